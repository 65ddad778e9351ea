// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

/// @title Ownership that changes hands in two steps
/// @notice The new owner has to accept, so that a mistyped address never owns anything. There is always an owner.
abstract contract Owned {
    address public owner;
    address public pendingOwner;

    event OwnershipOffered(address indexed owner, address indexed to);
    event OwnershipTransferred(address indexed from, address indexed to);

    error NotOwner(address sender);
    error NotPendingOwner(address sender);
    error ZeroAddress();

    constructor(address firstOwner) {
        if (firstOwner == address(0)) revert ZeroAddress();
        owner = firstOwner;
        emit OwnershipTransferred(address(0), firstOwner);
    }

    modifier onlyOwner() {
        if (msg.sender != owner) revert NotOwner(msg.sender);
        _;
    }

    /// @notice Offers ownership; the zero address takes an offer back.
    function transferOwnership(address to) external onlyOwner {
        pendingOwner = to;
        emit OwnershipOffered(msg.sender, to);
    }

    function acceptOwnership() external {
        if (msg.sender != pendingOwner) revert NotPendingOwner(msg.sender);
        emit OwnershipTransferred(owner, msg.sender);
        owner = msg.sender;
        delete pendingOwner;
    }
}
