import { Module } from '@nestjs/common';
import { CONFIG, type Config } from './config.js';
import { Outbound, OutboundOptions } from './outbound.js';

/** Owns outgoing HTTP: where it may lead, as the configuration says. Once, so that its limits count for all who ask. */
@Module({
  providers: [Outbound, { provide: OutboundOptions, inject: [CONFIG], useFactory: outboundOptionsOf }],
  exports: [Outbound],
})
export class OutboundModule {}

function outboundOptionsOf(config: Config): OutboundOptions {
  const isCidr = (text: string) => /^[0-9a-f:.]+\/\d+$/i.test(text);
  return new OutboundOptions({
    allowedCidrs: config.OUTBOUND_ALLOW.filter(isCidr),
    allowedHosts: config.OUTBOUND_ALLOW.filter((text) => !isCidr(text)),
    allowLoopbackHttp: config.ALLOW_LOOPBACK_HTTP,
    proxyUrl: config.OUTBOUND_PROXY === '' ? null : config.OUTBOUND_PROXY,
  });
}
