pragma circom 2.2.0;

include "../membership.circom";

// Public signals, in this order: nullifier, root, scope, message.
component main {public [root, scope, message]} = Membership(20);
