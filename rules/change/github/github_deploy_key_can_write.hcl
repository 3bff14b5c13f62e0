detection "github_deploy_key_can_write" {
  table       = "change"
  channel     = "github.organisation.**"
  title       = "Deploy key that can write"
  description = <<-EOT
    Whoever has the private half can change the code of the repository, from everywhere, without being a member
    and without a second factor. What the pipelines build and deploy then comes from them.
  EOT
  severity       = "high"
  tags           = ["attack.persistence", "attack.t1098.004", "attack.t1195.002"]
  falsepositives = ["A pipeline that tags releases or writes a changelog."]
  references     = ["https://docs.github.com/en/authentication/connecting-to-github-with-ssh/managing-deploy-keys"]

  where = <<-EOT
    path in ('', '/read_only')
    and object_after->>'kind' = 'deploy_key'
    and object_after->>'read_only' = 'false'
    and coalesce(object_before->>'read_only', 'true') = 'true'
  EOT

  message = "{object_after.added_by} added the deploy key {object_after.title}, which can write to {object_after.organisation}/{object_after.repository}"
}
