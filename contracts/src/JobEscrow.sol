// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {ReceiptConsumer} from "./ReceiptConsumer.sol";
import {Digests, Settlement, Signature} from "./ReceiptTypes.sol";
import {ZKReceiptVerifier} from "./ZKReceiptVerifier.sol";

/// @title Payments for jobs: released by a settlement, refunded after a deadline
/// @notice The contract holds the chain's coin and has no owner. Payments are credited and drawn with `withdraw`, so that nobody who can't
///         or won't receive coins blocks another.
contract JobEscrow is ReceiptConsumer {
    enum State {
        None,
        Open,
        Released,
        Refunded
    }

    struct Job {
        address client;
        uint64 deadline; // Unix seconds; refunded only later
        State state;
        address provider;
        uint128 deposit; // wei
        bytes32 modelHash;
        bytes32 inputHash;
    }

    uint256 public constant MAX_DURATION = 365 days;

    /// @notice Jobs opened so far; their numbers start at 1.
    uint64 public jobCount;
    mapping(uint64 job => Job) public jobs;
    /// @notice What an account may withdraw, in wei.
    mapping(address account => uint256) public credit;

    event JobOpened(
        uint64 indexed job,
        address indexed client,
        address indexed provider,
        uint128 deposit,
        uint64 deadline,
        bytes32 modelHash,
        bytes32 inputHash
    );
    event JobReleased(uint64 indexed job, bytes32 indexed receiptHash, bytes32 outputHash, uint128 paid, uint128 returned);
    event JobRefunded(uint64 indexed job, uint128 returned);
    event Withdrawn(address indexed account, uint256 amount);

    error ZeroAddress();
    error WrongDeposit(uint256 value);
    error WrongDeadline(uint64 deadline);
    error JobNotOpen(uint64 job);
    error NotYetRefundable(uint64 job, uint64 deadline);
    /// @notice The settlement is for another provider, job, model, input, or for more than the deposit.
    error WrongSettlement(uint64 job);
    error NothingToWithdraw(address account);
    error TransferFailed(address account);

    constructor(ZKReceiptVerifier receiptVerifier) ReceiptConsumer(receiptVerifier) {}

    /// @notice Deposits what comes with the call for a job.
    /// @param deadline from when on the client may take the deposit back: at most a year ahead
    function open(address provider, bytes32 modelHash, bytes32 inputHash, uint64 deadline) external payable returns (uint64 job) {
        if (provider == address(0)) revert ZeroAddress();
        if (msg.value == 0 || msg.value > type(uint128).max) revert WrongDeposit(msg.value);
        if (deadline <= block.timestamp || deadline > block.timestamp + MAX_DURATION) revert WrongDeadline(deadline);
        job = ++jobCount;
        uint128 deposit = uint128(msg.value);
        jobs[job] = Job(msg.sender, deadline, State.Open, provider, deposit, modelHash, inputHash);
        emit JobOpened(job, msg.sender, provider, deposit, deadline, modelHash, inputHash);
    }

    /// @notice Credits the amount of a recorded settlement to the provider and the rest to the client. Anyone may call it.
    function release(uint64 job, Settlement calldata settlement, Digests calldata digests) external {
        _release(job, settlement, digests);
    }

    /// @notice Records a settlement, unless it is recorded, and releases the job's payment.
    function settleAndRelease(
        uint64 job,
        address verifier,
        Settlement calldata settlement,
        Digests calldata digests,
        uint256[8] calldata proof,
        Signature calldata signature
    ) external {
        _record(verifier, settlement, digests, proof, signature);
        _release(job, settlement, digests);
    }

    /// @notice Credits the deposit to the client, after the deadline and if it was not released. Anyone may call it.
    function refund(uint64 job) external {
        Job storage entry = jobs[job];
        if (entry.state != State.Open) revert JobNotOpen(job);
        if (block.timestamp <= entry.deadline) revert NotYetRefundable(job, entry.deadline);
        entry.state = State.Refunded;
        credit[entry.client] += entry.deposit;
        emit JobRefunded(job, entry.deposit);
    }

    /// @notice Pays the sender's credit out to the sender.
    function withdraw() external {
        uint256 amount = credit[msg.sender];
        if (amount == 0) revert NothingToWithdraw(msg.sender);
        // Before the call: whoever is called may call again.
        delete credit[msg.sender];
        emit Withdrawn(msg.sender, amount);
        (bool sent, ) = msg.sender.call{value: amount}("");
        if (!sent) revert TransferFailed(msg.sender);
    }

    function _release(uint64 job, Settlement calldata settlement, Digests calldata digests) private {
        Job storage entry = jobs[job];
        if (entry.state != State.Open) revert JobNotOpen(job);
        uint128 deposit = entry.deposit;
        if (
            settlement.recipient != entry.provider ||
            settlement.nonce != job ||
            settlement.amount > deposit ||
            digests.modelHash != entry.modelHash ||
            digests.inputHash != entry.inputHash
        ) revert WrongSettlement(job);
        _consume(settlement, digests);
        entry.state = State.Released;
        uint128 rest = deposit - settlement.amount;
        credit[settlement.recipient] += settlement.amount;
        if (rest > 0) credit[entry.client] += rest;
        emit JobReleased(job, settlement.receiptHash, digests.outputHash, settlement.amount, rest);
    }
}
