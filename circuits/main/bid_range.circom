pragma circom 2.2.0;

include "../bid_range.circom";

// Public signals, in this order: commitment, least, greatest, auction, bidder.
component main {public [least, greatest, auction, bidder]} = BidRange();
