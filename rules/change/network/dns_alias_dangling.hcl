detection "dns_alias_dangling" {
  table       = "change"
  channel     = "network.dns_records.**"
  title       = "Alias leads to a name that is gone"
  description = <<-EOT
    The name is an alias of one that does not exist any more, most often a bucket, an app or a site that was
    deleted. Whoever registers that name with the provider owns yours: its visitors, its cookies, a certificate
    for it.
  EOT
  severity       = "high"
  tags           = ["attack.resource_development", "attack.t1584.001"]
  falsepositives = ["A service that is being moved: the alias should follow within the hour."]
  references     = [
    "https://developer.mozilla.org/en-US/docs/Web/Security/Subdomain_takeovers",
    "https://attack.mitre.org/techniques/T1584/001/",
  ]

  where = <<-EOT
    path in ('', '/dangling')
    and object_after->>'dangling' = 'true'
    and coalesce(object_before->>'dangling', 'false') = 'false'
  EOT

  message = "{object_after.name} is an alias of {object_after.values}, which does not exist"
}
