detection "tls_certificate_expiring" {
  table       = "change"
  channel     = "network.tls_certificate.**"
  title       = "Certificate of a server expires within 14 days"
  description = <<-EOT
    Certificates are renewed a month before their end, so one that comes so close was forgotten or its renewal
    fails. When it has expired nobody can connect, or people learn to click warnings away, which is what a man
    in the middle needs.
  EOT
  severity       = "medium"
  tags           = ["attack.credential_access", "attack.t1557"]
  falsepositives = ["Certificates that live for a few days only."]
  references     = ["https://letsencrypt.org/docs/integration-guide/#when-to-renew"]

  where = <<-EOT
    path = '/expires'
    and after->>'$' in ('14 days', '3 days', 'expired')
  EOT

  message = "the certificate of {object_after.host} ends soon: {object_after.expires}"
}
