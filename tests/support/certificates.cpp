#include "tests/support/certificates.hpp"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <atomic>

namespace rouse::test {

namespace {

constexpr long kDay = 24 * 60 * 60;

void add_extension(X509* certificate, X509* issuer, int which, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, which, value.c_str());
  EXPECT_NE(extension, nullptr) << value;
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

std::string text_of(BIO* memory) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(memory, &text);
  std::string copy(text, static_cast<std::size_t>(size));
  BIO_free(memory);
  return copy;
}

}  // namespace

Identity::Identity(const Identity* issuer, const CertificateWishes& wishes)
    : x509_(X509_new(), X509_free), pkey_(EVP_EC_gen("P-256"), EVP_PKEY_free) {
  static std::atomic<long> serial{1};
  X509* const made = x509_.get();
  X509_set_version(made, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(made), serial++);
  X509_gmtime_adj(X509_getm_notBefore(made), wishes.from_day * kDay);
  X509_gmtime_adj(X509_getm_notAfter(made), wishes.to_day * kDay);
  const auto* name = reinterpret_cast<const unsigned char*>(wishes.name.c_str());
  X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_UTF8, name, -1, -1, 0);
  X509* const by = issuer == nullptr ? made : issuer->x509();
  X509_set_issuer_name(made, X509_get_subject_name(by));
  X509_set_pubkey(made, pkey_.get());
  if (issuer == nullptr) add_extension(made, by, NID_basic_constraints, "critical,CA:TRUE");
  std::string names;
  for (const std::string& each : wishes.alternatives) names += (names.empty() ? "" : ",") + each;
  if (!names.empty()) add_extension(made, by, NID_subject_alt_name, names);
  X509_sign(made, issuer == nullptr ? pkey_.get() : issuer->pkey(), EVP_sha256());
}

std::string Identity::certificate() const {
  BIO* const memory = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(memory, x509_.get());
  return text_of(memory);
}

std::string Identity::key(const std::string& password) const {
  BIO* const memory = BIO_new(BIO_s_mem());
  const EVP_CIPHER* const cipher = password.empty() ? nullptr : EVP_aes_128_cbc();
  PEM_write_bio_PrivateKey(memory, pkey_.get(), cipher,
                           reinterpret_cast<const unsigned char*>(password.data()),
                           static_cast<int>(password.size()), nullptr, nullptr);
  return text_of(memory);
}

}  // namespace rouse::test
