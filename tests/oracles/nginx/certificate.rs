//! The one certificate that every TLS server of an nginx shows.

use super::Place;

pub(super) fn write(place: &Place) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let parameters = rcgen::CertificateParams::new(["fake.test".to_owned()]).expect("parameters");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    place.write("certificate.pem", &certificate.pem());
    place.write("key.pem", &key.serialize_pem());
}
