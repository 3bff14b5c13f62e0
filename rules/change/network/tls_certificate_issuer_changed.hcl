detection "tls_certificate_issuer_changed" {
  table       = "change"
  channel     = "network.tls_certificate.**"
  title       = "Certificate of a server comes from another authority"
  description = <<-EOT
    The server shows a certificate that another organisation has issued. It may be a decision of yours; or a
    name that leads somewhere else, an authority that was talked into it, or a proxy that reads along.
  EOT
  severity       = "medium"
  tags           = ["attack.credential_access", "attack.resource_development", "attack.t1557", "attack.t1588.004"]
  falsepositives = ["A move to another authority or to a content delivery network."]
  references     = ["https://datatracker.ietf.org/doc/html/rfc8659", "https://attack.mitre.org/techniques/T1588/004/"]

  where = <<-EOT
    (path = '/chain/0/issuer' or (path = '/chain/0' and operation = 'add'))
    and coalesce(nullif(regexp_extract(object_before->>'/chain/0/issuer', 'O=([^,]*)', 1), ''), object_before->>'/chain/0/issuer')
      <> coalesce(nullif(regexp_extract(object_after->>'/chain/0/issuer', 'O=([^,]*)', 1), ''), object_after->>'/chain/0/issuer')
  EOT

  message = "{object_after.host} shows a certificate of another authority: {path_text} {after}"
}
