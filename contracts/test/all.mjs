// All quick tests in one process: they share keys and compiled verifiers.
import './groth16_verifier.test.mjs';
import './receipts.test.mjs';
import './consumers.test.mjs';
import './registry.test.mjs';
