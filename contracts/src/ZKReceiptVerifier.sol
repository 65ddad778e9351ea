// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AuthorisedVerifiers} from "./AuthorisedVerifiers.sol";
import {Owned} from "./Owned.sol";
import {Digests, Item, Settlement, Signature} from "./ReceiptTypes.sol";

/// @title Settlements of receipts, each proved, signed by a coordinator and recorded once
/// @notice Who submits doesn't matter: everything that is settled is inside the proof's public inputs and the signature.
///         docs/spec/contracts.md says what each check protects from.
contract ZKReceiptVerifier is AuthorisedVerifiers {
    struct Coordinator {
        bool authorised;
        uint64 leastNonce; // signatures with lower nonces are void
    }

    uint256 public constant MAX_BATCH = 16;
    /// @notice What each item of a batch may use. An item needs about 250,000.
    uint256 public constant BATCH_ITEM_GAS = 500_000;

    bytes32 private constant DOMAIN_TYPEHASH =
        keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
    bytes32 private constant SETTLEMENT_TYPEHASH =
        keccak256("Settlement(bytes32 receiptHash,address recipient,uint128 amount,uint64 nonce,uint64 deadline)");
    bytes32 private constant NAME_HASH = keccak256("ZKReceiptVerifier");
    bytes32 private constant VERSION_HASH = keccak256("1");
    bytes16 private constant STATEMENT_TAG = "blindproof/rcpt1";
    /// Half the order of secp256k1: of the two signatures (r, s) and (r, n - s) only the one with the smaller s counts.
    uint256 private constant MAX_S = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0;

    uint256 private immutable DEPLOYMENT_CHAIN_ID;
    bytes32 private immutable DEPLOYMENT_DOMAIN;

    /// @notice The statement that was settled for a receipt, 0 if none was. Keyed by receipt, not by statement: a coordinator's signature
    ///         doesn't cover the digests and must not settle twice with others.
    mapping(bytes32 receiptHash => bytes32 statement) public recordedStatement;
    mapping(address signer => Coordinator) public coordinators;
    /// @notice The one contract that pays or mints for what is recorded here.
    address public consumer;

    event ProofVerified(
        bytes32 indexed receiptHash,
        address indexed recipient,
        bytes32 indexed statement,
        address verifier,
        address coordinator,
        uint128 amount,
        uint64 nonce
    );
    /// @param reason first four bytes of the revert data (an error's selector), 0 if there were none
    event ProofVerificationFailed(uint256 index, bytes32 indexed receiptHash, bytes4 reason);
    event CoordinatorAuthorised(address indexed coordinator);
    event CoordinatorRevoked(address indexed coordinator);
    event NoncesVoided(address indexed coordinator, uint64 least);
    event ConsumerSet(address indexed consumer);

    error Expired(uint64 deadline);
    error AlreadyRecorded(bytes32 receiptHash);
    error InvalidSignature();
    error NotCoordinator(address signer);
    error NonceVoided(uint64 nonce, uint64 least);
    error NonceNotHigher(uint64 least);
    error ConsumerAlreadySet(address consumer);
    error BatchSize(uint256 items);
    error NotEnoughGas();

    constructor(address firstOwner) Owned(firstOwner) {
        DEPLOYMENT_CHAIN_ID = _chainId();
        DEPLOYMENT_DOMAIN = _domain();
    }

    /// @notice Checks a settlement's signature and proof, and records it. Reverts if anything is wrong.
    /// @return statement SHA-256 of what is settled
    function verifyAndRecord(
        address verifier,
        Settlement calldata settlement,
        Digests calldata digests,
        uint256[8] calldata proof,
        Signature calldata signature
    ) external returns (bytes32 statement) {
        address coordinator;
        (statement, coordinator) = _verify(verifier, settlement, digests, proof, signature);
        recordedStatement[settlement.receiptHash] = statement;
        emit ProofVerified(
            settlement.receiptHash,
            settlement.recipient,
            statement,
            verifier,
            coordinator,
            settlement.amount,
            settlement.nonce
        );
    }

    /// @notice The checks of `verifyAndRecord`, without recording. Reverts if anything is wrong.
    function verifyReceiptProof(
        address verifier,
        Settlement calldata settlement,
        Digests calldata digests,
        uint256[8] calldata proof,
        Signature calldata signature
    ) external view returns (bytes32 statement) {
        (statement, ) = _verify(verifier, settlement, digests, proof, signature);
    }

    /// @notice `verifyAndRecord` for each of 1 to MAX_BATCH items; items that fail are left out and reported by an event.
    /// @return recorded how many did not fail
    function batchVerify(Item[] calldata items) external returns (uint256 recorded) {
        if (items.length == 0 || items.length > MAX_BATCH) revert BatchSize(items.length);
        for (uint256 i = 0; i < items.length; ++i) {
            Item calldata item = items[i];
            // A caller who gives little gas must not make good items fail: a call gets at most 63/64 of what is left.
            if (gasleft() < BATCH_ITEM_GAS + BATCH_ITEM_GAS / 32) revert NotEnoughGas();
            try
                this.verifyAndRecord{gas: BATCH_ITEM_GAS}(
                    item.verifier,
                    item.settlement,
                    item.digests,
                    item.proof,
                    item.signature
                )
            returns (bytes32) {
                ++recorded;
            } catch (bytes memory revertData) {
                bytes4 reason = revertData.length < 4 ? bytes4(0) : bytes4(revertData);
                emit ProofVerificationFailed(i, item.settlement.receiptHash, reason);
            }
        }
    }

    /// @notice The digest whose halves are the proof's public inputs.
    function statementOf(Settlement calldata settlement, Digests calldata digests) public view returns (bytes32) {
        return
            sha256(
                bytes.concat(
                    abi.encodePacked(
                        STATEMENT_TAG,
                        _chainId(),
                        address(this),
                        settlement.recipient,
                        settlement.amount,
                        settlement.nonce,
                        settlement.deadline,
                        settlement.receiptHash
                    ),
                    abi.encodePacked(digests.modelHash, digests.inputHash, digests.outputHash)
                )
            );
    }

    /// @notice Whether this very statement was recorded.
    function isRecorded(Settlement calldata settlement, Digests calldata digests) external view returns (bool) {
        return recordedStatement[settlement.receiptHash] == statementOf(settlement, digests);
    }

    /// @notice EIP-712's domain separator.
    function domainSeparator() public view returns (bytes32) {
        // A chain that splits has two ids; signatures of one must not count on the other.
        return block.chainid == DEPLOYMENT_CHAIN_ID ? DEPLOYMENT_DOMAIN : _domain();
    }

    /// @notice What a coordinator signs.
    function settlementDigest(Settlement calldata settlement) public view returns (bytes32) {
        return keccak256(abi.encodePacked(hex"1901", domainSeparator(), keccak256(abi.encode(SETTLEMENT_TYPEHASH, settlement))));
    }

    function authoriseCoordinator(address coordinator) external onlyOwner {
        if (coordinator == address(0)) revert ZeroAddress();
        coordinators[coordinator].authorised = true;
        emit CoordinatorAuthorised(coordinator);
    }

    function revokeCoordinator(address coordinator) external onlyOwner {
        if (!coordinators[coordinator].authorised) revert NotCoordinator(coordinator);
        coordinators[coordinator].authorised = false;
        emit CoordinatorRevoked(coordinator);
    }

    /// @notice Takes back the sender's signatures with nonces below `least` that are not settled yet.
    function voidNoncesBelow(uint64 least) external {
        Coordinator storage coordinator = coordinators[msg.sender];
        if (!coordinator.authorised) revert NotCoordinator(msg.sender);
        if (least <= coordinator.leastNonce) revert NonceNotHigher(coordinator.leastNonce);
        coordinator.leastNonce = least;
        emit NoncesVoided(msg.sender, least);
    }

    /// @notice Names, once and for all, the contract that pays or mints for what is recorded here.
    function setConsumer(address newConsumer) external onlyOwner {
        if (newConsumer == address(0)) revert ZeroAddress();
        if (consumer != address(0)) revert ConsumerAlreadySet(consumer);
        consumer = newConsumer;
        emit ConsumerSet(newConsumer);
    }

    function _verify(
        address verifier,
        Settlement calldata settlement,
        Digests calldata digests,
        uint256[8] calldata proof,
        Signature calldata signature
    ) private view returns (bytes32 statement, address coordinator) {
        _requireAuthorised(verifier);
        if (settlement.recipient == address(0)) revert ZeroAddress();
        if (block.timestamp > settlement.deadline) revert Expired(settlement.deadline);
        if (recordedStatement[settlement.receiptHash] != 0) revert AlreadyRecorded(settlement.receiptHash);
        coordinator = _signer(settlementDigest(settlement), signature);
        Coordinator memory state = coordinators[coordinator];
        if (!state.authorised) revert NotCoordinator(coordinator);
        if (settlement.nonce < state.leastNonce) revert NonceVoided(settlement.nonce, state.leastNonce);
        statement = statementOf(settlement, digests);
        _requireProof(verifier, proof, statement);
    }

    function _signer(bytes32 digest, Signature calldata signature) private pure returns (address signer) {
        if (uint256(signature.s) > MAX_S || (signature.v != 27 && signature.v != 28)) revert InvalidSignature();
        signer = ecrecover(digest, signature.v, signature.r, signature.s);
        if (signer == address(0)) revert InvalidSignature();
    }

    function _domain() private view returns (bytes32) {
        return keccak256(abi.encode(DOMAIN_TYPEHASH, NAME_HASH, VERSION_HASH, block.chainid, address(this)));
    }
}
