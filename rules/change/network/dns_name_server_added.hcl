detection "dns_name_server_added" {
  table       = "change"
  channel     = "network.dns_records.**"
  title       = "Name server added to a domain"
  description = <<-EOT
    Who runs a name server of the domain decides where every name in it leads, gets certificates for them, and
    receives their mail. Taking over a registrar's account ends in this change, which nobody in the network
    itself can see.
  EOT
  severity       = "high"
  tags           = ["attack.resource_development", "attack.credential_access", "attack.t1584.002"]
  falsepositives = ["A move to another provider of name servers."]
  references     = [
    "https://attack.mitre.org/techniques/T1584/002/",
    "https://www.cisa.gov/news-events/directives/ed-19-01-mitigate-dns-infrastructure-tampering",
  ]

  where = <<-EOT
    operation = 'add'
    and path like '/values/%'
    and object_after->>'type' = 'NS'
  EOT

  message = "{object_after.name} has the new name server {after}; all are {object_after.values}"
}
