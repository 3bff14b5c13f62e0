detection "aws_ebs_snapshot_made_public" {
  table       = "aws_cloudtrail_log"
  title       = "EBS snapshot shared with everybody"
  description = <<-EOT
    Any AWS account can now make a disk of the snapshot and read all that was on it: source code, keys,
    databases. Public snapshots are searched by machines all the time.
  EOT
  severity       = "high"
  tags           = ["attack.exfiltration", "attack.t1537"]
  falsepositives = ["A disk image that is published on purpose."]
  references     = ["https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html"]

  where = <<-EOT
    event_name = 'ModifySnapshotAttribute'
    and event_source = 'ec2.amazonaws.com'
    and error_code is null
    and regexp_matches(request_parameters->'createVolumePermission'->>'add', '"group"\s*:\s*"all"')
  EOT

  message = "{user_identity.arn} shared snapshot {request_parameters.snapshotId} with every AWS account"
}
