import { Module } from '@nestjs/common';
import { EndpointsReconciler } from './endpoints/endpoints.reconciler';
import { EndpointSliceMirroringReconciler } from './mirroring/endpointslicemirroring.reconciler';
import { EndpointSliceReconciler } from './slices/endpointslice.reconciler';

@Module({ providers: [EndpointSliceReconciler, EndpointsReconciler, EndpointSliceMirroringReconciler] })
export class ServiceControllerModule {}
