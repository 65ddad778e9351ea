pragma circom 2.2.0;

include "lib/compare.circom";
include "lib/hash.circom";

// A hidden bid of 64 bits lies between two public bounds. Public: commitment = HashList(bid, [auction, bidder, bid, salt]); then
// least, greatest, auction, bidder. The bounds are range-checked too: a contract that passes 2^64 or more gets no proof.
// Caller must: draw `salt` with at least 128 random bits.
template BidRange() {
  signal input least;
  signal input greatest;
  signal input auction;
  signal input bidder;
  signal input bid;
  signal input salt;
  signal output commitment;

  AssertAtMost(64)(least, bid);
  AssertAtMost(64)(bid, greatest);
  commitment <== HashList(domain_bid(), 4)([auction, bidder, bid, salt]);
}
