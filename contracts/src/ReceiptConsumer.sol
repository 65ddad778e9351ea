// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Digests, Settlement, Signature} from "./ReceiptTypes.sol";
import {ZKReceiptVerifier} from "./ZKReceiptVerifier.sol";

/// @title What pays or mints for recorded settlements, once for each receipt
abstract contract ReceiptConsumer {
    ZKReceiptVerifier public immutable receipts;

    mapping(bytes32 receiptHash => bool) public isConsumed;

    error NotConsumer();
    error NotRecorded(bytes32 receiptHash);
    error AlreadyConsumed(bytes32 receiptHash);

    /// @dev Caller must: make this contract the consumer of `receiptVerifier` afterwards.
    constructor(ZKReceiptVerifier receiptVerifier) {
        // Fails here and now for an address that is no ZKReceiptVerifier.
        receiptVerifier.consumer();
        receipts = receiptVerifier;
    }

    /// @dev Records the settlement, unless this very one is recorded already: somebody else may have submitted it first.
    function _record(
        address verifier,
        Settlement calldata settlement,
        Digests calldata digests,
        uint256[8] calldata proof,
        Signature calldata signature
    ) internal {
        if (!receipts.isRecorded(settlement, digests)) {
            receipts.verifyAndRecord(verifier, settlement, digests, proof, signature);
        }
    }

    /// @dev Uses up the receipt. The settlement's deadline has no say any more: it was recorded in time.
    function _consume(Settlement calldata settlement, Digests calldata digests) internal {
        // Which contract a settlement is for, only its ZKReceiptVerifier says: two consumers would both use it.
        if (receipts.consumer() != address(this)) revert NotConsumer();
        bytes32 receiptHash = settlement.receiptHash;
        if (isConsumed[receiptHash]) revert AlreadyConsumed(receiptHash);
        if (!receipts.isRecorded(settlement, digests)) revert NotRecorded(receiptHash);
        isConsumed[receiptHash] = true;
    }
}
