detection "dns_mail_authentication_weakened" {
  table       = "change"
  channel     = "network.dns_records.**"
  title       = "Forged mail from the domain is refused no longer"
  description = <<-EOT
    The record that tells others to refuse mail which only claims to come from the domain (SPF's -all, DMARC's
    reject or quarantine) is gone, or asks for less. Phishing in your name arrives from now on.
  EOT
  severity       = "high"
  tags           = ["attack.initial_access", "attack.t1566", "attack.t1672"]
  falsepositives = ["A new sender that is tried out: the strict record should come back."]
  references     = ["https://datatracker.ietf.org/doc/html/rfc7489", "https://attack.mitre.org/techniques/T1672/"]

  where = <<-EOT
    operation = 'remove'
    and path like '/values/%'
    and object_after->>'type' = 'TXT'
    and (
      (regexp_matches(before->>'$', '^v=spf1 .*-all\s*$')
        and not regexp_matches(object_after->>'values', '"v=spf1 [^"]*-all\s*"'))
      or (regexp_matches(before->>'$', '^v=DMARC1\s*;.*\bp\s*=\s*(reject|quarantine)')
        and not regexp_matches(object_after->>'values', '"v=DMARC1\s*;[^"]*\bp\s*=\s*(reject|quarantine)')))
  EOT

  message = "forged mail from {object_after.name} is not refused any more: {before} is gone, there is {object_after.values}"
}
