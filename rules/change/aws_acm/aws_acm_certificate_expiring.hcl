detection "aws_acm_certificate_expiring" {
  table       = "change"
  channel     = "aws.acm.**"
  title       = "Certificate in use expires within 14 days"
  description = <<-EOT
    AWS renews certificates 60 days before their end; one that is in use and comes so close was imported, or its
    validation fails. When it has expired, nobody can connect, or people learn to click warnings away, which is
    what a man in the middle needs.
  EOT
  severity       = "medium"
  tags           = ["attack.credential_access", "attack.t1557"]
  falsepositives = ["A service that ends before its certificate."]
  references     = ["https://docs.aws.amazon.com/acm/latest/userguide/managed-renewal.html"]

  where = <<-EOT
    path = '/expires'
    and after->>'$' in ('14 days', '3 days', 'expired')
    and object_after->>'InUseBy' <> '[]'
  EOT

  message = "the certificate for {object_after.DomainName} ({object_after.region}, {object_after.account}) ends on {object_after.NotAfter} and is in use"
}
