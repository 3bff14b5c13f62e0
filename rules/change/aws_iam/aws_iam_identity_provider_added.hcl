detection "aws_iam_identity_provider_added" {
  table       = "change"
  channel     = "aws.iam.**"
  title       = "Identity provider added"
  description = <<-EOT
    People and programs can now sign in to roles with what another party says of them. A provider of an
    attacker's own, once a role trusts it, lets them in as anybody.
  EOT
  severity       = "high"
  tags           = ["attack.persistence", "attack.privilege_escalation", "attack.t1484.002"]
  falsepositives = ["Single sign-on or a pipeline (GitHub Actions, GitLab) that is being set up."]
  references     = [
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers.html",
    "https://attack.mitre.org/techniques/T1484/002/",
  ]

  where = <<-EOT
    operation = 'add' and path = ''
    and object_after->>'kind' in ('saml_provider', 'oidc_provider')
  EOT

  message = "account {object_after.account} trusts the identity provider {object_after.id}"
}
