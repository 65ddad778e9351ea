/* The C interface from C: what it refuses, and a client's walk through the levels with the program's files.
 *   capi_test                 what needs no files
 *   capi_test check FOLDER    FOLDER has what run.cmake made with the program: exits 0 if all of it is as it should be
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blindproof/capi/blindproof.h"

static int failures = 0;

#define EXPECT(condition)                                                     \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      ++failures;                                                             \
    }                                                                         \
  } while (0)

static void expect_error(blindproof_code status, blindproof_code expected, blindproof_error* error, const char* code, int line) {
  if (status != expected || error == NULL || strcmp(blindproof_error_code(error), code) != 0 || blindproof_error_message(error)[0] == '\0') {
    fprintf(stderr, "line %d: status %d, expected %d; code %s, place %s: %s\n", line, (int)status, (int)expected,
            error ? blindproof_error_code(error) : "(none)", error ? blindproof_error_place(error) : "", error ? blindproof_error_message(error) : "");
    ++failures;
  }
  blindproof_error_free(error);
}
#define EXPECT_ERROR(call, expected, code)             \
  do {                                                 \
    blindproof_error* error = NULL;                    \
    const blindproof_code status = (call);           \
    expect_error(status, expected, error, code, __LINE__); \
  } while (0)

static void expect_good(blindproof_code status, blindproof_error* error, int line) {
  if (status == BLINDPROOF_OK) return;
  fprintf(stderr, "line %d: %s: %s\n", line, error ? blindproof_error_place(error) : "", error ? blindproof_error_message(error) : "no memory");
  blindproof_error_free(error);
  exit(1);
}
#define EXPECT_GOOD(call)                 \
  do {                                    \
    blindproof_error* error = NULL;       \
    const blindproof_code status = (call); \
    expect_good(status, error, __LINE__); \
  } while (0)

static blindproof_bytes text(const char* value) {
  blindproof_bytes bytes;
  bytes.data = (const uint8_t*)value;
  bytes.size = strlen(value);
  return bytes;
}
static blindproof_bytes of(blindproof_buffer buffer) {
  blindproof_bytes bytes;
  bytes.data = buffer.data;
  bytes.size = buffer.size;
  return bytes;
}
static int contains(blindproof_buffer json, const char* part) {
  const size_t size = strlen(part);
  size_t i;
  for (i = 0; i + size <= json.size; ++i) {
    if (memcmp(json.data + i, part, size) == 0) return 1;
  }
  return 0;
}

static void refusals(void) {
  const blindproof_bytes nothing = {NULL, 0};
  blindproof_buffer a = {NULL, 0}, b = {NULL, 0}, c = {NULL, 0};
  blindproof_hybrid_decrypt_request decrypt;
  blindproof_fhe_encrypt_request encrypt;
  blindproof_verify_request verify;
  const float value = 1;

  EXPECT(strcmp(blindproof_version(), "0.1.0") == 0);
  EXPECT_ERROR(blindproof_inspect(nothing, &a, &error), BLINDPROOF_UNSUPPORTED, "unsupported");
  EXPECT_ERROR(blindproof_inspect(text("BPM and more"), &a, &error), BLINDPROOF_UNSUPPORTED, "unsupported");
  EXPECT_ERROR(blindproof_inspect(text("BPO"), &a, &error), BLINDPROOF_UNSUPPORTED, "unsupported");
  EXPECT_ERROR(blindproof_inspect(text("BPK"), &a, &error), BLINDPROOF_MALFORMED, "malformed");
  EXPECT_ERROR(blindproof_fhe_generate_keys(text("no spec"), nothing, &a, &b, &c, &error), BLINDPROOF_MALFORMED, "malformed");
  EXPECT_ERROR(blindproof_hybrid_generate_keys(nothing, nothing, &a, &b, &error), BLINDPROOF_MALFORMED, "malformed");

  memset(&encrypt, 0, sizeof encrypt);
  encrypt.values = &value;
  encrypt.count = 1;
  EXPECT_ERROR(blindproof_fhe_encrypt(&encrypt, &a, &error), BLINDPROOF_INVALID_ARGUMENT, "invalid-argument");
  memset(&decrypt, 0, sizeof decrypt);
  EXPECT_ERROR(blindproof_hybrid_decrypt(&decrypt, &a, &b, &error), BLINDPROOF_REJECTED, "rejected");
  memset(&verify, 0, sizeof verify);
  EXPECT_ERROR(blindproof_verify(&verify, &a, &error), BLINDPROOF_MALFORMED, "malformed");
  EXPECT(blindproof_verify(&verify, &a, NULL) == BLINDPROOF_MALFORMED); /* the error may be left out */
  EXPECT(a.data == NULL && b.data == NULL && c.data == NULL);           /* no results after errors */

  blindproof_buffer_free(&a);
  blindproof_buffer_free(NULL);
  blindproof_error_free(NULL);
  blindproof_release(blindproof_allocate(0), 0);
}

static blindproof_buffer read_file(const char* folder, const char* name) {
  char path[4096];
  blindproof_buffer buffer = {NULL, 0};
  FILE* file;
  long size;
  snprintf(path, sizeof path, "%s/%s", folder, name);
  file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
    fprintf(stderr, "can't read %s\n", path);
    exit(1);
  }
  rewind(file);
  buffer.data = (uint8_t*)blindproof_allocate((size_t)size);
  buffer.size = (size_t)size;
  if (buffer.data == NULL || fread(buffer.data, 1, buffer.size, file) != buffer.size) exit(1);
  fclose(file);
  return buffer;
}

static void proofs(const char* folder) {
  blindproof_buffer key = read_file(folder, "net.bpk"), proof = read_file(folder, "net.bpp"), verdict = {NULL, 0};
  const blindproof_bytes context = text("for bob"), other = text("for eve");
  blindproof_verify_request request;
  memset(&request, 0, sizeof request);
  request.proof = of(proof);
  request.model_key = of(key);
  request.context = &context;
  EXPECT_GOOD(blindproof_verify(&request, &verdict, &error));
  EXPECT(contains(verdict, "\"accepted\":true"));
  blindproof_buffer_free(&verdict);
  request.context = &other;
  EXPECT_GOOD(blindproof_verify(&request, &verdict, &error));
  EXPECT(contains(verdict, "\"accepted\":false") && contains(verdict, "\"place\":\"statement.context\""));
  blindproof_buffer_free(&verdict);
  request.context = &context;
  proof.data[proof.size - 1] ^= 1;
  EXPECT_GOOD(blindproof_verify(&request, &verdict, &error));
  EXPECT(contains(verdict, "\"accepted\":false"));
  blindproof_buffer_free(&verdict);
  request.proof.size = proof.size / 2;
  EXPECT(blindproof_verify(&request, &verdict, NULL) == BLINDPROOF_MALFORMED);
  blindproof_buffer_free(&key);
  blindproof_buffer_free(&proof);
}

/* Keys and a question that go through memory alone. */
static void round_trip(const char* folder) {
  blindproof_buffer spec = read_file(folder, "hybrid.bpc"), secret = {NULL, 0}, public_key = {NULL, 0}, question = {NULL, 0}, json = {NULL, 0},
                    values = {NULL, 0};
  const blindproof_bytes no_passphrase = {NULL, 0};
  blindproof_hybrid_encrypt_request encrypt;
  blindproof_hybrid_decrypt_request decrypt;
  float input[30]; /* the features of the network */
  size_t i;
  for (i = 0; i < 30; ++i) input[i] = (float)i / 30;
  EXPECT_GOOD(blindproof_hybrid_generate_keys(of(spec), no_passphrase, &secret, &public_key, &error));
  EXPECT_GOOD(blindproof_inspect(of(public_key), &json, &error));
  EXPECT(contains(json, "\"kind\":\"public_key\"") && contains(json, "\"level\":\"hybrid\""));
  blindproof_buffer_free(&json);
  memset(&encrypt, 0, sizeof encrypt);
  encrypt.spec = of(spec);
  encrypt.secret_key = of(secret);
  encrypt.values = input;
  encrypt.count = 30;
  encrypt.records = 1;
  EXPECT_GOOD(blindproof_hybrid_encrypt(&encrypt, &question, &error));
  EXPECT_GOOD(blindproof_inspect(of(question), &json, &error));
  EXPECT(contains(json, "\"direction\":\"input\""));
  blindproof_buffer_free(&json);
  memset(&decrypt, 0, sizeof decrypt);
  decrypt.spec = of(spec);
  decrypt.secret_key = of(secret);
  decrypt.output = of(question);
  decrypt.unverified = 1;
  EXPECT_ERROR(blindproof_hybrid_decrypt(&decrypt, &values, &json, &error), BLINDPROOF_MISMATCH, "mismatch"); /* a question is no answer */
  blindproof_buffer_free(&spec);
  blindproof_buffer_free(&secret);
  blindproof_buffer_free(&public_key);
  blindproof_buffer_free(&question);
}

int main(int count, char** arguments) {
  refusals();
  if (count == 3 && strcmp(arguments[1], "check") == 0) {
    proofs(arguments[2]);
    round_trip(arguments[2]);
  }
  return failures == 0 ? 0 : 1;
}
