detection "tls_certificate_not_trusted" {
  table       = "change"
  channel     = "network.tls_certificate.**"
  title       = "Certificate of a server is not trusted any more"
  description = <<-EOT
    Who connects gets a warning, or no connection: the chain does not lead to a trusted authority, or the
    certificate is for another name. It may be a mistake of whoever renewed it; or somebody stands between.
  EOT
  severity       = "high"
  tags           = ["attack.credential_access", "attack.t1557"]
  falsepositives = ["A renewal that went wrong, which has to be mended as well."]
  references     = ["https://attack.mitre.org/techniques/T1557/"]

  where = <<-EOT
    operation = 'change'
    and path in ('/trusted', '/valid_for_name')
    and after->>'$' = 'false'
  EOT

  message = "nobody trusts the certificate of {object_after.host} as {object_after.server_name}: {path_text} is false, {object_after.problem}"
}
