// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {Owned} from "./Owned.sol";
import {ReceiptConsumer} from "./ReceiptConsumer.sol";
import {Digests, Settlement, Signature} from "./ReceiptTypes.sol";
import {ZKReceiptVerifier} from "./ZKReceiptVerifier.sol";

/// @title ERC-20 token that is minted for settled receipts and in no other way
contract AIToken is Owned, ReceiptConsumer {
    uint8 public constant decimals = 18;
    /// @notice The supply never exceeds it.
    uint256 public immutable cap;

    string public name;
    string public symbol;
    uint256 public totalSupply;
    mapping(address account => uint256) public balanceOf;
    mapping(address account => mapping(address spender => uint256)) public allowance;
    /// @notice May stop minting. Only the owner resumes it, and nobody stops transfers.
    address public guardian;
    bool public mintingPaused;

    event Transfer(address indexed from, address indexed to, uint256 amount);
    event Approval(address indexed account, address indexed spender, uint256 amount);
    event ReceiptMinted(bytes32 indexed receiptHash, address indexed recipient, uint256 amount);
    event GuardianSet(address indexed guardian);
    event MintingPaused(address indexed by);
    event MintingResumed();

    error InsufficientBalance(address account, uint256 balance, uint256 needed);
    error InsufficientAllowance(address account, address spender, uint256 allowed, uint256 needed);
    error CapExceeded(uint256 cap, uint256 supply);
    error MintingIsPaused();
    error NotGuardian(address sender);

    /// @param supplyCap in the smallest unit, 10^-18 tokens
    constructor(
        address firstOwner,
        ZKReceiptVerifier receiptVerifier,
        string memory tokenName,
        string memory tokenSymbol,
        uint256 supplyCap
    ) Owned(firstOwner) ReceiptConsumer(receiptVerifier) {
        name = tokenName;
        symbol = tokenSymbol;
        cap = supplyCap;
    }

    /// @notice Mints the amount of a recorded settlement to its recipient. Anyone may call it; nothing of it is the caller's choice.
    function mint(Settlement calldata settlement, Digests calldata digests) external {
        _mint(settlement, digests);
    }

    /// @notice Records a settlement, unless it is recorded, and mints its amount.
    function settleAndMint(
        address verifier,
        Settlement calldata settlement,
        Digests calldata digests,
        uint256[8] calldata proof,
        Signature calldata signature
    ) external {
        _record(verifier, settlement, digests, proof, signature);
        _mint(settlement, digests);
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        _transfer(msg.sender, to, amount);
        return true;
    }

    /// @notice Sets what `spender` may take. To change one that is not zero, set zero first: the spender could use both.
    function approve(address spender, uint256 amount) external returns (bool) {
        if (spender == address(0)) revert ZeroAddress();
        allowance[msg.sender][spender] = amount;
        emit Approval(msg.sender, spender, amount);
        return true;
    }

    /// @notice An allowance of 2^256 - 1 is not used up.
    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        uint256 allowed = allowance[from][msg.sender];
        if (allowed < amount) revert InsufficientAllowance(from, msg.sender, allowed, amount);
        if (allowed != type(uint256).max) {
            unchecked {
                allowance[from][msg.sender] = allowed - amount;
            }
        }
        _transfer(from, to, amount);
        return true;
    }

    /// @notice Names who may stop minting; the zero address for nobody but the owner.
    function setGuardian(address newGuardian) external onlyOwner {
        guardian = newGuardian;
        emit GuardianSet(newGuardian);
    }

    function pauseMinting() external {
        if (msg.sender != guardian && msg.sender != owner) revert NotGuardian(msg.sender);
        mintingPaused = true;
        emit MintingPaused(msg.sender);
    }

    function resumeMinting() external onlyOwner {
        mintingPaused = false;
        emit MintingResumed();
    }

    function _mint(Settlement calldata settlement, Digests calldata digests) private {
        if (mintingPaused) revert MintingIsPaused();
        _consume(settlement, digests);
        uint256 supply = totalSupply + settlement.amount;
        if (supply > cap) revert CapExceeded(cap, supply);
        totalSupply = supply;
        unchecked {
            // At most the supply, which did not overflow.
            balanceOf[settlement.recipient] += settlement.amount;
        }
        emit Transfer(address(0), settlement.recipient, settlement.amount);
        emit ReceiptMinted(settlement.receiptHash, settlement.recipient, settlement.amount);
    }

    function _transfer(address from, address to, uint256 amount) private {
        if (to == address(0)) revert ZeroAddress();
        uint256 balance = balanceOf[from];
        if (balance < amount) revert InsufficientBalance(from, balance, amount);
        unchecked {
            balanceOf[from] = balance - amount;
            balanceOf[to] += amount;
        }
        emit Transfer(from, to, amount);
    }
}
