// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title A verifier for one key whose circuit has the two public inputs of a statement
/// @notice Written by `blindproof groth16 export-verifier`.
interface IGroth16Verifier {
    /// @notice SHA-256 of the circuit's .r1cs file.
    function CIRCUIT_HASH() external view returns (bytes32);

    /// @notice Hash of the verification key.
    function KEY_HASH() external view returns (bytes32);

    /// @notice Returns if the proof holds and reverts if it doesn't.
    /// @param proof A.x, A.y, B.x.c1, B.x.c0, B.y.c1, B.y.c0, C.x, C.y
    function verifyProof(uint256[8] calldata proof, uint256[2] calldata inputs) external view;
}
