//! Where the services of AWS are, and for which region requests to them are signed.

use reqwest::Url;

use crate::context::ServiceContext;

/// Services that are one for all regions of a partition, with what stands for the region in their host's name and the
/// region that requests are signed for.
const GLOBAL: &[(&str, Partition, &str, &str)] = &[
    ("cloudfront", Partition::Aws, "", "us-east-1"),
    ("cloudfront", Partition::China, "cn-northwest-1", "cn-northwest-1"),
    ("iam", Partition::Aws, "", "us-east-1"),
    ("iam", Partition::China, "cn-north-1", "cn-north-1"),
    ("iam", Partition::Government, "us-gov", "us-gov-west-1"),
    ("organizations", Partition::Aws, "us-east-1", "us-east-1"),
    ("organizations", Partition::China, "cn-northwest-1", "cn-northwest-1"),
    ("organizations", Partition::Government, "us-gov-west-1", "us-gov-west-1"),
    ("route53", Partition::Aws, "", "us-east-1"),
    ("route53", Partition::China, "", "cn-northwest-1"),
    ("route53", Partition::Government, "us-gov", "us-gov-west-1"),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Partition {
    Aws,
    China,
    Government,
    Other,
}

impl Partition {
    fn of(region: &str) -> Self {
        match region {
            region if region.starts_with("cn-") => Self::China,
            region if region.starts_with("us-gov-") => Self::Government,
            region if domain(region) == "amazonaws.com" => Self::Aws,
            _ => Self::Other,
        }
    }
}

/// The address of a service for a region, and the region that requests to it are signed for.
pub(super) fn place(service: &str, region: &str) -> (String, String) {
    let partition = Partition::of(region);
    let global = GLOBAL.iter().find(|(name, of, ..)| *name == service && *of == partition);
    let (part, signed_for) = global.map_or((region, region), |(_, _, part, signed_for)| (*part, *signed_for));
    let dot = if part.is_empty() { "" } else { "." };
    (format!("https://{service}.{part}{dot}{}", domain(region)), signed_for.to_owned())
}

/// The variables that every client of AWS knows.
pub(super) fn endpoint_of_environment(service: &str, context: &ServiceContext) -> Option<Url> {
    let variables = &context.environment.variables;
    let own = format!("AWS_ENDPOINT_URL_{}", service.to_ascii_uppercase());
    let text = variables.get(&own).or_else(|| variables.get("AWS_ENDPOINT_URL"))?;
    Url::parse(text).ok().filter(|url| url.has_host())
}

/// The region that the environment names.
pub fn region_of_environment(context: &ServiceContext) -> Option<String> {
    let variables = &context.environment.variables;
    ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| variables.get(*name).cloned())
}

/// The region that an ARN names.
pub fn region_of_arn(arn: &str) -> Option<&str> {
    arn.split(':').nth(3).filter(|region| !region.is_empty())
}

/// Whether the text can be the name of a region, which is part of a host's name.
pub fn is_region(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !text.is_empty() && text.bytes().all(allowed)
}

/// Where the services of a region are.
fn domain(region: &str) -> &'static str {
    match region {
        region if region.starts_with("cn-") => "amazonaws.com.cn",
        region if region.starts_with("eusc-") => "amazonaws.eu",
        region if region.starts_with("us-isob-") => "sc2s.sgov.gov",
        region if region.starts_with("us-isof-") => "csp.hci.ic.gov",
        region if region.starts_with("us-iso-") => "c2s.ic.gov",
        region if region.starts_with("eu-isoe-") => "cloud.adc-e.uk",
        _ => "amazonaws.com",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_where_aws_has_them() {
        for (service, region, address, signed_for) in [
            ("sqs", "eu-west-1", "https://sqs.eu-west-1.amazonaws.com", "eu-west-1"),
            ("ec2", "cn-north-1", "https://ec2.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("ec2", "us-gov-west-1", "https://ec2.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            ("ec2", "us-iso-east-1", "https://ec2.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
            ("iam", "eu-west-1", "https://iam.amazonaws.com", "us-east-1"),
            ("iam", "cn-northwest-1", "https://iam.cn-north-1.amazonaws.com.cn", "cn-north-1"),
            ("iam", "us-gov-east-1", "https://iam.us-gov.amazonaws.com", "us-gov-west-1"),
            ("iam", "us-iso-east-1", "https://iam.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"),
            ("organizations", "eu-west-1", "https://organizations.us-east-1.amazonaws.com", "us-east-1"),
            ("route53", "cn-north-1", "https://route53.amazonaws.com.cn", "cn-northwest-1"),
        ] {
            assert_eq!(
                place(service, region),
                (address.to_owned(), signed_for.to_owned()),
                "{service} {region}"
            );
        }
        assert_eq!(region_of_arn("arn:aws-cn:sns:cn-north-1:1:t"), Some("cn-north-1"));
        assert_eq!(region_of_arn("arn:aws:iam::1:role/r"), None);
    }
}
