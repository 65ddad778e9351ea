/* blindproof for other languages: keys, encryption, decryption and verification, on bytes in memory.
 *
 * C99. No function reads or writes files, keeps state between calls, or lets an exception out; all may be called from several threads at once.
 * Every input may come from anybody: what isn't a file of the expected kind gives an error.
 *
 * Functions return BLINDPROOF_OK and set their results, or another code and, where `error` isn't NULL, *error, which is to be given to
 * blindproof_error_free(). After an error no result is set.
 * Results are to be given to blindproof_buffer_free(), which wipes them first.
 * JSON is UTF-8 without a terminating zero; integers that may exceed 2^53 stand in it as strings of decimal digits, bytes as hex.
 *
 * Pointers must not be NULL unless it is said that they may be; bytes of size 0 may have a NULL pointer.
 */
#ifndef BLINDPROOF_CAPI_BLINDPROOF_H
#define BLINDPROOF_CAPI_BLINDPROOF_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BLINDPROOF_API __attribute__((visibility("default")))
#else
#define BLINDPROOF_API
#endif

typedef enum blindproof_code {
  BLINDPROOF_OK = 0,
  BLINDPROOF_IO = 1,
  BLINDPROOF_MALFORMED = 2,        /* bytes that are not a canonical encoding of what they should be */
  BLINDPROOF_UNSUPPORTED = 3,      /* well formed, but outside what this library can do */
  BLINDPROOF_LIMIT = 4,            /* larger than the stated bound */
  BLINDPROOF_INVALID_ARGUMENT = 5, /* values that make no sense */
  BLINDPROOF_MISMATCH = 6,         /* two good files that don't belong together */
  BLINDPROOF_REJECTED = 7,         /* a verifier's check failed; the place names it */
  BLINDPROOF_INTERNAL = 8          /* out of memory, or a fault of the library's */
} blindproof_code;

typedef struct blindproof_error blindproof_error;
/* "malformed", "mismatch", ...; which file, field or check; one sentence. They live as long as the error. */
BLINDPROOF_API const char* blindproof_error_code(const blindproof_error* error);
BLINDPROOF_API const char* blindproof_error_place(const blindproof_error* error);
BLINDPROOF_API const char* blindproof_error_message(const blindproof_error* error);
/* NULL is allowed. */
BLINDPROOF_API void blindproof_error_free(blindproof_error* error);

/* Somebody else's bytes, which a function only reads. */
typedef struct blindproof_bytes {
  const uint8_t* data;
  size_t size;
} blindproof_bytes;

/* Bytes that a function made. */
typedef struct blindproof_buffer {
  uint8_t* data;
  size_t size;
} blindproof_buffer;
/* Wipes and releases; a buffer that was released, or is all zeros, is left alone. */
BLINDPROOF_API void blindproof_buffer_free(blindproof_buffer* buffer);

/* Memory for callers that have no allocator of their own, which is to say JavaScript. NULL if there is none left.
 * Freed memory is wiped; `size` is that of the request. */
BLINDPROOF_API void* blindproof_allocate(size_t size);
BLINDPROOF_API void blindproof_release(void* memory, size_t size);

/* "0.1.0"; lives forever. */
BLINDPROOF_API const char* blindproof_version(void);

/* What a file is and what is public of it, as a JSON object with "kind", "level" and "bytes".
 * Errors: BLINDPROOF_UNSUPPORTED for files that are secret (models, programs, openings) or unknown. Of secret keys only parameters and key id
 * are looked at. */
BLINDPROOF_API blindproof_code blindproof_inspect(blindproof_bytes file, blindproof_buffer* json, blindproof_error** error);

/* ---- Level fhe: CKKS, BFV, BGV. `spec` is a .bpc file, whose owner's program the keys are for. ---- */

/* `passphrase` of size 0: the secret key's bytes are the secret. Evaluation keys of larger programs take hundreds of megabytes. */
BLINDPROOF_API blindproof_code blindproof_fhe_generate_keys(blindproof_bytes spec, blindproof_bytes passphrase, blindproof_buffer* secret_key,
                                                              blindproof_buffer* public_key, blindproof_buffer* evaluation_keys,
                                                              blindproof_error** error);

typedef struct blindproof_fhe_encrypt_request {
  blindproof_bytes spec, secret_key, passphrase;
  const float* values;  /* samples one after the other, each row-major */
  size_t count;         /* of all values: `samples` times the size of the model's input */
  size_t samples;       /* more than one for programs that were lowered for batches only */
} blindproof_fhe_encrypt_request;
BLINDPROOF_API blindproof_code blindproof_fhe_encrypt(const blindproof_fhe_encrypt_request* request, blindproof_buffer* ciphertext,
                                                        blindproof_error** error);

/* `values`: doubles in the machine's byte order, sample after sample, dequantised and finished.
 * `json`: {"shape":[..], "samples":n, "classes":[..], "integers":["..",..]}; classes where an output is one row of scores, integers of BFV and BGV. */
BLINDPROOF_API blindproof_code blindproof_fhe_decrypt(blindproof_bytes spec, blindproof_bytes secret_key, blindproof_bytes passphrase,
                                                        blindproof_bytes ciphertext, blindproof_buffer* values, blindproof_buffer* json,
                                                        blindproof_error** error);

/* ---- Level hybrid: batches of records under a model whose answers are proven. ---- */

BLINDPROOF_API blindproof_code blindproof_hybrid_generate_keys(blindproof_bytes spec, blindproof_bytes passphrase, blindproof_buffer* secret_key,
                                                                 blindproof_buffer* public_key, blindproof_error** error);

typedef struct blindproof_hybrid_encrypt_request {
  blindproof_bytes spec, secret_key, passphrase;
  const float* values;  /* record by record */
  size_t count;         /* `records` times the number of features */
  size_t records;
} blindproof_hybrid_encrypt_request;
BLINDPROOF_API blindproof_code blindproof_hybrid_encrypt(const blindproof_hybrid_encrypt_request* request, blindproof_buffer* ciphertext,
                                                           blindproof_error** error);

typedef struct blindproof_hybrid_verify_request {
  blindproof_bytes proof, model_key, public_key;
  blindproof_bytes input, output;  /* ciphertexts, as they were sent and came back */
  const blindproof_bytes* context; /* what the proof must have been made for; NULL: no context */
} blindproof_hybrid_verify_request;
/* The verdict: {"accepted":bool, "refusal":{"code","place","message"}?, "model":hex, "records", "features", "outputs", "plaintext_modulus":"..",
 * "evaluations":"..", "flood_bits", "context":hex, "proof_bytes", "registration_seconds", "proof_seconds"}. Without acceptance nothing of it is proven.
 * Errors are of files that can't be read. */
BLINDPROOF_API blindproof_code blindproof_hybrid_verify(const blindproof_hybrid_verify_request* request, blindproof_buffer* json,
                                                          blindproof_error** error);

typedef struct blindproof_hybrid_decrypt_request {
  blindproof_bytes spec, secret_key, passphrase;
  blindproof_bytes output;
  const blindproof_hybrid_verify_request* evidence; /* its output is the one above */
  int unverified;                                   /* not 0: without evidence, see below */
} blindproof_hybrid_decrypt_request;
/* Verifies first; nothing is decrypted if the proof is refused (BLINDPROOF_REJECTED). Without evidence only if `unverified` says so: what is done
 * with a forged answer may tell the server about the secret key. Results are as blindproof_fhe_decrypt()'s. */
BLINDPROOF_API blindproof_code blindproof_hybrid_decrypt(const blindproof_hybrid_decrypt_request* request, blindproof_buffer* values,
                                                           blindproof_buffer* json, blindproof_error** error);

/* ---- Level zkml: proofs of inference. ---- */

typedef struct blindproof_verify_request {
  blindproof_bytes proof, model_key;
  const float* input;              /* reals, which are quantised as the model says and compared; NULL: not compared */
  size_t input_count;
  const blindproof_bytes* output;  /* decimal integers with commas between them; NULL: not compared */
  const blindproof_bytes* opening; /* of what the proof hides; NULL: none */
  const blindproof_bytes* context; /* what the proof must have been made for; NULL: no context */
} blindproof_verify_request;
/* The verdict: {"accepted":bool, "refusal"?, "model":hex, "arithmetic", "parameters", "input":TENSOR, "output":TENSOR, "values":[..]?, "class"?,
 * "context":hex, "proof_bytes", "registration_seconds", "proof_seconds"}, TENSOR = {"shape":[..], "hidden", "commitment"?:hex,
 * "integers"?:["..",..], "opened", "compared"}. Errors are of files that can't be read, and of values for a hidden tensor without its opening. */
BLINDPROOF_API blindproof_code blindproof_verify(const blindproof_verify_request* request, blindproof_buffer* json, blindproof_error** error);

#ifdef __cplusplus
}
#endif

#endif
