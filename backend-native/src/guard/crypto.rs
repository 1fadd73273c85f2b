//! The cryptography of a connection, which sees what DTLS carries before the `webrtc` crate processes it.

use std::sync::Arc;

use async_channel::Sender;
use mesh_core::platform::LinkFault;
use rtc::crypto::{
    ActiveKeyExchange, AeadAlgorithm, AeadCipher, BlockCipherAlgorithm, CbcAlgorithm, CbcCipher,
    CryptoAlgorithm, CryptoError, HashAlgorithm, HmacAlgorithm, KeyExchangeAlgorithm, Mac,
    PublicKey, RTCCrypto, RTCCryptoProvider, RTCRandom, SignatureScheme, SigningKey, StreamCipher,
    StreamCipherAlgorithm,
};

use super::leaps::Leaps;
use crate::note::Note;

/// Where a record's additional data says what it carries (RFC 5246, 6.2.3.3), and the value for data of the application.
const CONTENT_TYPE: usize = 8;
const APPLICATION_DATA: u8 = 23;

/// The crate's provider, except that a record with a packet that leaps too far is refused as if it were forged, and its link
/// is told. One for each connection.
pub(crate) struct Inspected {
    provider: Arc<dyn RTCCryptoProvider>,
    inspector: Arc<Inspector>,
}

struct Inspector {
    leaps: Leaps,
    /// Where the end of the link is reported.
    notes: Sender<Note>,
}

impl Inspected {
    /// `None` where the crate has no provider, which it reports itself.
    pub(crate) fn new(notes: Sender<Note>) -> Option<Arc<Self>> {
        let provider = rtc::crypto::default_provider().ok()?;
        let leaps = Leaps::default();
        Some(Arc::new(Self {
            provider,
            inspector: Arc::new(Inspector { leaps, notes }),
        }))
    }
}

impl RTCCryptoProvider for Inspected {
    fn name(&self) -> &'static str {
        self.provider.name()
    }

    fn crypto(&self) -> &dyn RTCCrypto {
        self
    }

    fn random(&self) -> &dyn RTCRandom {
        self.provider.random()
    }
}

impl RTCCrypto for Inspected {
    fn supports(&self, algorithm: CryptoAlgorithm) -> bool {
        self.provider.crypto().supports(algorithm)
    }

    fn hash(&self, algorithm: HashAlgorithm, data: &[u8]) -> Result<Vec<u8>, CryptoError> {
        self.provider.crypto().hash(algorithm, data)
    }

    fn block_encrypt(
        &self,
        algorithm: BlockCipherAlgorithm,
        key: &[u8],
        block: &mut [u8],
    ) -> Result<(), CryptoError> {
        self.provider.crypto().block_encrypt(algorithm, key, block)
    }

    fn new_hmac(&self, algorithm: HmacAlgorithm, key: &[u8]) -> Result<Box<dyn Mac>, CryptoError> {
        self.provider.crypto().new_hmac(algorithm, key)
    }

    fn new_stream_cipher(
        &self,
        algorithm: StreamCipherAlgorithm,
        key: &[u8],
    ) -> Result<Box<dyn StreamCipher>, CryptoError> {
        self.provider.crypto().new_stream_cipher(algorithm, key)
    }

    fn new_aead(
        &self,
        algorithm: AeadAlgorithm,
        key: &[u8],
    ) -> Result<Box<dyn AeadCipher>, CryptoError> {
        let cipher = self.provider.crypto().new_aead(algorithm, key)?;
        let inspector = Arc::clone(&self.inspector);
        Ok(Box::new(InspectedCipher { cipher, inspector }))
    }

    fn new_cbc(
        &self,
        algorithm: CbcAlgorithm,
        key: &[u8],
    ) -> Result<Box<dyn CbcCipher>, CryptoError> {
        self.provider.crypto().new_cbc(algorithm, key)
    }

    fn start_key_exchange(
        &self,
        algorithm: KeyExchangeAlgorithm,
    ) -> Result<Box<dyn ActiveKeyExchange>, CryptoError> {
        self.provider.crypto().start_key_exchange(algorithm)
    }

    fn generate_signing_key(
        &self,
        scheme: SignatureScheme,
    ) -> Result<Arc<dyn SigningKey>, CryptoError> {
        self.provider.crypto().generate_signing_key(scheme)
    }

    fn import_signing_key(
        &self,
        scheme: SignatureScheme,
        pkcs8_der: &[u8],
    ) -> Result<Arc<dyn SigningKey>, CryptoError> {
        self.provider.crypto().import_signing_key(scheme, pkcs8_der)
    }

    fn verify_signature(
        &self,
        scheme: SignatureScheme,
        public_key: PublicKey<'_>,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), CryptoError> {
        let crypto = self.provider.crypto();
        crypto.verify_signature(scheme, public_key, message, signature)
    }
}

/// The cipher of one direction.
struct InspectedCipher {
    cipher: Box<dyn AeadCipher>,
    inspector: Arc<Inspector>,
}

fn is_data(additional: &[u8]) -> bool {
    additional.get(CONTENT_TYPE) == Some(&APPLICATION_DATA)
}

impl AeadCipher for InspectedCipher {
    fn tag_len(&self) -> usize {
        self.cipher.tag_len()
    }

    fn seal_in_place(
        &mut self,
        nonce: &[u8],
        aad: &[u8],
        plaintext_and_ciphertext: &mut [u8],
        tag_out: &mut [u8],
    ) -> Result<(), CryptoError> {
        if is_data(aad) {
            self.inspector.leaps.sent(plaintext_and_ciphertext);
        }
        self.cipher
            .seal_in_place(nonce, aad, plaintext_and_ciphertext, tag_out)
    }

    fn open_in_place(
        &mut self,
        nonce: &[u8],
        aad: &[u8],
        ciphertext_and_plaintext: &mut [u8],
        tag: &[u8],
    ) -> Result<(), CryptoError> {
        self.cipher
            .open_in_place(nonce, aad, ciphertext_and_plaintext, tag)?;
        if is_data(aad) && !self.inspector.leaps.admits(ciphertext_and_plaintext) {
            let fault = Note::Fault(LinkFault::Leap);
            // Fails once the link has ended.
            let _ = self.inspector.notes.try_send(fault);
            return Err(CryptoError::AuthenticationFailed);
        }
        Ok(())
    }
}
