//! Identity providers: SAML and OpenID Connect.

use serde_json::Value as Json;

use super::members;
use super::survey::present;
use crate::generators::aws::{AwsError, AwsService, Element, document};

pub(super) async fn saml(iam: &AwsService<'_>, account: &str) -> Result<Vec<Json>, AwsError> {
    let mut documents = Vec::new();
    for provider in iam.query("ListSAMLProviders", &[]).await?.items("SAMLProviderList") {
        let arn = provider.text_of("Arn");
        let answer = iam.query("GetSAMLProvider", &[("SAMLProviderArn", arn)]).await;
        let Some(answer) = present(answer)? else { continue };
        let mut said = members::SAML_PROVIDER.read(&answer);
        said["Arn"] = arn.into();
        let metadata = answer.text_of("SAMLMetadataDocument");
        said["SAMLMetadataDocumentHash"] = blake3::hash(metadata.as_bytes()).to_hex().to_string().into();
        let (entity, certificates) = trusted(metadata);
        said["EntityID"] = entity.into();
        said["X509Certificates"] = certificates.into();
        documents.push(document("saml_provider", account, None, name_of(arn), said));
    }
    Ok(documents)
}

pub(super) async fn oidc(iam: &AwsService<'_>, account: &str) -> Result<Vec<Json>, AwsError> {
    let mut documents = Vec::new();
    let list = iam.query("ListOpenIDConnectProviders", &[]).await?;
    for provider in list.items("OpenIDConnectProviderList") {
        let arn = provider.text_of("Arn");
        let answer = iam.query("GetOpenIDConnectProvider", &[("OpenIDConnectProviderArn", arn)]).await;
        let Some(answer) = present(answer)? else { continue };
        let mut said = members::OIDC_PROVIDER.read(&answer);
        said["Arn"] = arn.into();
        documents.push(document("oidc_provider", account, None, name_of(arn), said));
    }
    Ok(documents)
}

/// The name at the end of an ARN: `arn:aws:iam::1:saml-provider/NAME`.
fn name_of(arn: &str) -> &str {
    arn.split_once('/').map_or(arn, |(_, name)| name)
}

/// Whom the metadata of a SAML provider trusts: its name, and the certificates of its signatures.
fn trusted(metadata: &str) -> (String, Vec<String>) {
    let Ok(root) = Element::parse(metadata.as_bytes()) else { return (String::new(), Vec::new()) };
    let entity = root.attributes.iter().find(|(name, _)| name == "entityID");
    let mut certificates = Vec::new();
    collect(&root, &mut certificates);
    certificates.sort();
    certificates.dedup();
    (entity.map(|(_, value)| value.clone()).unwrap_or_default(), certificates)
}

fn collect(element: &Element, certificates: &mut Vec<String>) {
    for child in &element.children {
        let local = child.name.rsplit(':').next().unwrap_or_default();
        if local == "X509Certificate" {
            certificates.push(child.text.split_whitespace().collect());
        }
        collect(child, certificates);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_says_whom_it_trusts() {
        let metadata = "<?xml version=\"1.0\"?><md:EntityDescriptor entityID=\"https://idp.example.org\">\
            <md:IDPSSODescriptor><md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>\nMIIB\n abc=\n\
            </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor></md:IDPSSODescriptor>\
            </md:EntityDescriptor>";
        let (entity, certificates) = trusted(metadata);
        assert_eq!((entity.as_str(), certificates), ("https://idp.example.org", vec!["MIIBabc=".to_owned()]));
        assert_eq!(trusted("none"), (String::new(), Vec::new()));
    }
}
