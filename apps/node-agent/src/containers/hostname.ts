import { type PodObject } from '../pods/pod-containers';

/** The pod's host name (at most 63 characters, as the kernel and DNS want it) and the domain it is found under, if any. */
export function hostnameOf(
  pod: PodObject,
  clusterDomain: string,
): { readonly hostname: string; readonly domain: string } {
  const { spec, metadata } = pod;
  if (spec?.hostnameOverride !== undefined) return { hostname: spec.hostnameOverride, domain: '' };
  const wanted = spec?.hostname !== undefined && spec.hostname !== '' ? spec.hostname : (metadata?.name ?? '');
  const short = wanted.slice(0, 63).replace(/[-.]+$/, '');
  const domain =
    spec?.subdomain === undefined || spec.subdomain === ''
      ? ''
      : `${spec.subdomain}.${metadata?.namespace}.svc.${clusterDomain}`;
  const hostname = spec?.setHostnameAsFQDN === true && domain !== '' ? `${short}.${domain}` : short;
  return { hostname, domain };
}
