detection "github_branch_protection_weakened" {
  table       = "change"
  channel     = "github.organisation.**"
  title       = "Protection of a branch weakened"
  description = <<-EOT
    Code can come into the main branch with less review than before, or what is in it can be rewritten. A single
    account that was taken over is then enough to put something into what is built and deployed.
  EOT
  severity       = "high"
  tags           = ["attack.defense_evasion", "attack.t1562", "attack.t1195.002"]
  falsepositives = [
    "A repository that is archived or deleted.",
    "An emergency, after which the protection comes back.",
  ]
  references = [
    "https://docs.github.com/en/repositories/configuring-branches-and-merges-in-your-repository/managing-protected-branches/about-protected-branches",
  ]

  where = <<-EOT
    (object_before->>'kind' = 'branch_protection'
      and (
        (operation = 'remove'
          and path in ('', '/required_pull_request_reviews', '/required_status_checks', '/restrictions'))
        or (after->>'$' = 'true' and path in ('/allow_force_pushes/enabled', '/allow_deletions/enabled'))
        or (after->>'$' = 'false'
          and path in ('/enforce_admins/enabled', '/required_signatures/enabled',
            '/required_pull_request_reviews/dismiss_stale_reviews',
            '/required_pull_request_reviews/require_code_owner_reviews',
            '/required_pull_request_reviews/require_last_push_approval'))
        or (path = '/required_pull_request_reviews/required_approving_review_count'
          and try_cast(after->>'$' as integer) < try_cast(before->>'$' as integer))))
    or (object_before->>'kind' = 'ruleset'
      and object_before->>'enforcement' = 'active'
      and ((operation = 'remove' and path = '') or path = '/enforcement'))
  EOT

  message = "{object_before.organisation}/{object_before.repository} is protected less: {path_text} was {before}, is {after}"
}
