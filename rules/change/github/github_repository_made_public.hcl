detection "github_repository_made_public" {
  table       = "change"
  channel     = "github.organisation.**"
  title       = "Repository made public"
  description = <<-EOT
    Everybody can read the code and all of its history, with every secret that was ever committed. Copies are
    made within minutes and stay when the repository is private again.
  EOT
  severity       = "high"
  tags           = ["attack.exfiltration", "attack.t1567.001", "attack.t1213.003"]
  falsepositives = ["A project that is published."]
  references     = [
    "https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/managing-repository-settings/setting-repository-visibility",
    "https://attack.mitre.org/techniques/T1213/003/",
  ]

  where = <<-EOT
    path = '/visibility'
    and object_after->>'kind' = 'repository'
    and after->>'$' = 'public'
  EOT

  message = "everybody can read {object_after.full_name}, which was {before}"
}
