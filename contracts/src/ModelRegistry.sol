// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.28;

import {AuthorisedVerifiers} from "./AuthorisedVerifiers.sol";
import {Owned} from "./Owned.sol";

/// @title Models with owner, price and versions
/// @notice Each version comes with a ModelIntegrity proof that names its sender: a copied proof registers nothing for somebody else.
///         That `commitment` (a Pedersen commitment) and `modelHash` (a Poseidon hash) are of the same weights is the owner's word only;
///         no proof here says so.
contract ModelRegistry is AuthorisedVerifiers {
    struct Model {
        address owner;
        uint64 versions; // their numbers start at 1
        address pendingOwner;
        uint128 price; // for each unit, in the smallest unit of what the owner charges in
    }

    struct Version {
        bytes32 modelHash;
        bytes32 architectureHash;
        bytes32 commitment;
    }

    bytes16 private constant STATEMENT_TAG = "blindproof/modl1";

    /// @notice Models registered so far; their numbers start at 1.
    uint64 public modelCount;
    mapping(uint64 model => Model) public models;
    mapping(uint64 model => mapping(uint64 version => Version)) public versions;
    /// @notice The model that a hash is a version of, 0 if none.
    mapping(bytes32 modelHash => uint64 model) public modelOf;

    event ModelRegistered(uint64 indexed model, address indexed owner, uint128 price);
    event VersionAdded(
        uint64 indexed model,
        uint64 indexed version,
        bytes32 indexed modelHash,
        bytes32 architectureHash,
        bytes32 commitment,
        address verifier
    );
    event PriceSet(uint64 indexed model, uint128 price);
    event ModelOffered(uint64 indexed model, address indexed owner, address indexed to);
    event ModelTransferred(uint64 indexed model, address indexed from, address indexed to);

    error NotModelOwner(uint64 model, address sender);
    error NotPendingModelOwner(uint64 model, address sender);
    error AlreadyRegistered(bytes32 modelHash, uint64 model);

    constructor(address firstOwner) Owned(firstOwner) {}

    /// @notice Registers a model of the sender with its first version.
    /// @param commitment the model's Pedersen id
    function register(
        address verifier,
        bytes32 modelHash,
        bytes32 architectureHash,
        bytes32 commitment,
        uint128 price,
        uint256[8] calldata proof
    ) external returns (uint64 model) {
        model = ++modelCount;
        models[model] = Model(msg.sender, 0, address(0), price);
        emit ModelRegistered(model, msg.sender, price);
        _addVersion(verifier, model, modelHash, architectureHash, commitment, proof);
    }

    /// @notice Adds a version to a model of the sender.
    function addVersion(
        address verifier,
        uint64 model,
        bytes32 modelHash,
        bytes32 architectureHash,
        bytes32 commitment,
        uint256[8] calldata proof
    ) external returns (uint64 version) {
        _requireModelOwner(model);
        version = _addVersion(verifier, model, modelHash, architectureHash, commitment, proof);
    }

    function setPrice(uint64 model, uint128 price) external {
        _requireModelOwner(model);
        models[model].price = price;
        emit PriceSet(model, price);
    }

    /// @notice Offers a model to another owner; the zero address takes an offer back.
    function transferModel(uint64 model, address to) external {
        _requireModelOwner(model);
        models[model].pendingOwner = to;
        emit ModelOffered(model, msg.sender, to);
    }

    function acceptModel(uint64 model) external {
        Model storage entry = models[model];
        if (msg.sender != entry.pendingOwner) revert NotPendingModelOwner(model, msg.sender);
        emit ModelTransferred(model, entry.owner, msg.sender);
        entry.owner = msg.sender;
        delete entry.pendingOwner;
    }

    /// @notice The digest whose halves are the public inputs of an owner's proof.
    function statementOf(address modelOwner, bytes32 modelHash, bytes32 architectureHash) public view returns (bytes32) {
        return sha256(abi.encodePacked(STATEMENT_TAG, _chainId(), address(this), modelOwner, modelHash, architectureHash));
    }

    function _addVersion(
        address verifier,
        uint64 model,
        bytes32 modelHash,
        bytes32 architectureHash,
        bytes32 commitment,
        uint256[8] calldata proof
    ) private returns (uint64 version) {
        _requireAuthorised(verifier);
        if (modelOf[modelHash] != 0) revert AlreadyRegistered(modelHash, modelOf[modelHash]);
        _requireProof(verifier, proof, statementOf(msg.sender, modelHash, architectureHash));
        version = ++models[model].versions;
        versions[model][version] = Version(modelHash, architectureHash, commitment);
        modelOf[modelHash] = model;
        emit VersionAdded(model, version, modelHash, architectureHash, commitment, verifier);
    }

    function _requireModelOwner(uint64 model) private view {
        if (msg.sender != models[model].owner) revert NotModelOwner(model, msg.sender);
    }
}
