detection "github_two_factor_requirement_off" {
  table       = "change"
  channel     = "github.organisation.**"
  title       = "GitHub organisation asks for no second factor any more"
  description = <<-EOT
    Members can sign in with a password alone from now on. One that is reused or given away in a phishing mail
    opens the code, and with it what the pipelines deploy.
  EOT
  severity       = "high"
  tags           = ["attack.defense_evasion", "attack.persistence", "attack.t1556.006"]
  falsepositives = ["Single sign-on that takes its place."]
  references     = [
    "https://docs.github.com/en/organizations/keeping-your-organization-secure/managing-two-factor-authentication-for-your-organization/requiring-two-factor-authentication-in-your-organization",
  ]

  where = <<-EOT
    path = '/two_factor_requirement_enabled'
    and object_after->>'kind' = 'organisation'
    and coalesce(after->>'$', 'false') = 'false'
  EOT

  message = "the organisation {object_after.organisation} asks its members for no second factor any more"
}
