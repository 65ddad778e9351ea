// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {IGroth16Verifier} from "./IGroth16Verifier.sol";
import {Owned} from "./Owned.sol";

/// @title The verifier contracts that an owner trusts, and statements as public inputs
abstract contract AuthorisedVerifiers is Owned {
    mapping(address verifier => bool) public isAuthorisedVerifier;

    event VerifierAuthorised(address indexed verifier, bytes32 circuitHash, bytes32 keyHash);
    event VerifierRevoked(address indexed verifier);

    error VerifierNotAuthorised(address verifier);
    error WrongCircuit(bytes32 expected, bytes32 found);
    error WrongKey(bytes32 expected, bytes32 found);
    error ChainIdTooLarge(uint256 chainId);

    /// @notice Trusts a verifier contract.
    /// @dev The owner must have compared its code with what the generator writes: the hashes are the contract's own word and guard
    ///      against mistakes, not against code that lies.
    /// @param circuitHash SHA-256 of the .r1cs file that the owner means
    /// @param keyHash hash of the verification key that the owner means
    function authoriseVerifier(address verifier, bytes32 circuitHash, bytes32 keyHash) external onlyOwner {
        bytes32 circuit = IGroth16Verifier(verifier).CIRCUIT_HASH();
        if (circuit != circuitHash) revert WrongCircuit(circuitHash, circuit);
        bytes32 key = IGroth16Verifier(verifier).KEY_HASH();
        if (key != keyHash) revert WrongKey(keyHash, key);
        isAuthorisedVerifier[verifier] = true;
        emit VerifierAuthorised(verifier, circuitHash, keyHash);
    }

    function revokeVerifier(address verifier) external onlyOwner {
        if (!isAuthorisedVerifier[verifier]) revert VerifierNotAuthorised(verifier);
        delete isAuthorisedVerifier[verifier];
        emit VerifierRevoked(verifier);
    }

    function _requireAuthorised(address verifier) internal view {
        if (!isAuthorisedVerifier[verifier]) revert VerifierNotAuthorised(verifier);
    }

    /// @dev Both halves are below 2^128, so no statement has a second form modulo r.
    function _requireProof(address verifier, uint256[8] calldata proof, bytes32 statement) internal view {
        uint256[2] memory inputs = [uint256(statement) >> 128, uint256(statement) & type(uint128).max];
        IGroth16Verifier(verifier).verifyProof(proof, inputs);
    }

    function _chainId() internal view returns (uint64) {
        if (block.chainid > type(uint64).max) revert ChainIdTooLarge(block.chainid);
        return uint64(block.chainid);
    }
}
