// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @notice What a coordinator signs for a receipt (EIP-712; the order of the fields is the type's).
struct Settlement {
    bytes32 receiptHash; // SHA-256 of the receipt's canonical form
    address recipient;
    uint128 amount; // in the consumer's smallest unit
    uint64 nonce;
    uint64 deadline; // Unix seconds; settled at this time or before
}

/// @notice Poseidon digests, big-endian.
struct Digests {
    bytes32 modelHash;
    bytes32 inputHash;
    bytes32 outputHash;
}

/// @notice A coordinator's secp256k1 signature; s at most half the group order, v 27 or 28.
struct Signature {
    bytes32 r;
    bytes32 s;
    uint8 v;
}

/// @notice All that `verifyAndRecord` takes.
struct Item {
    address verifier;
    Settlement settlement;
    Digests digests;
    uint256[8] proof;
    Signature signature;
}
