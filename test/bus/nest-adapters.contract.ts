import { Controller, Module } from '@nestjs/common';
import { EventPattern, MessagePattern, type MicroserviceOptions, Payload } from '@nestjs/microservices';
import { NestFactory } from '@nestjs/core';
import { firstValueFrom } from 'rxjs';
import { type Bus } from '#bus';
import { BusClientProxy, BusServer } from '#bus-nest';

const events: unknown[] = [];

@Controller()
class Arithmetic {
  @MessagePattern('arithmetic.add')
  add(@Payload() [a, b]: number[]): number {
    return (a ?? 0) + (b ?? 0);
  }

  @MessagePattern('arithmetic.fail')
  fail(): never {
    throw new Error('does not add up');
  }

  @MessagePattern('arithmetic.nothing')
  nothing(): void {}

  @EventPattern('arithmetic.note')
  note(@Payload() note: unknown): void {
    events.push(note);
  }
}

@Module({ controllers: [Arithmetic] })
class Arithmetics {}

/** Nest's decorators over a bus: the same on every transport. */
export function nestAdaptersContract(open: () => Promise<Bus>): void {
  it('answers @MessagePattern, delivers @EventPattern, and reports errors to the caller', async () => {
    const bus = await open();
    const service = await NestFactory.createMicroservice<MicroserviceOptions>(Arithmetics, {
      strategy: new BusServer(bus, 'arithmetic'),
      logger: false,
      abortOnError: false,
    });
    await service.listen();
    await bus.flush();
    const client = new BusClientProxy(bus, 2000);
    try {
      expect(await firstValueFrom(client.send('arithmetic.add', [1, 2]))).toBe(3);
      expect(await firstValueFrom(client.send('arithmetic.nothing', {}))).toBeNull();
      await expect(firstValueFrom(client.send('arithmetic.fail', {}))).rejects.toMatchObject({ code: 'remote' });
      await expect(firstValueFrom(client.send('arithmetic.unknown', {}))).rejects.toMatchObject({
        code: 'no-responders',
      });
      events.length = 0;
      await firstValueFrom(client.emit('arithmetic.note', { text: 'hello' }), { defaultValue: undefined });
      for (let turn = 0; events.length === 0 && turn < 1000; turn++) await new Promise((done) => setTimeout(done, 1));
      expect(events).toEqual([{ text: 'hello' }]);
    } finally {
      await service.close();
      await bus.close();
    }
  });
}
