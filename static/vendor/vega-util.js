// The interpreter imports these by a bare name; the bundle of vega has them.
export const { ascending, isString, DisallowedObjectProperties } = globalThis.vega;
