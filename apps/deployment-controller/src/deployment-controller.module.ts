import { Module } from '@nestjs/common';
import { DeploymentReconciler } from './deployment.reconciler';

@Module({ providers: [DeploymentReconciler] })
export class DeploymentControllerModule {}
