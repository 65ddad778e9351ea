// blindproof for Node and browsers: keys, encryption, decryption and verification where the data is, and a client of the service.
export { load, type WasmSource } from "./load.js";
export { BlindproofError } from "./types.js";
export type * from "./types.js";
export { Client, ServiceError } from "./client.js";
export type * from "./client.js";
export type * from "./records.js";
