detection "aws_ec2_snapshot_or_image_public" {
  table       = "change"
  channel     = "aws.ec2.**"
  title       = "Snapshot or image shared with everybody"
  description = <<-EOT
    Every account of AWS can copy the disk and read all that is on it: keys, customers, code. Public snapshots
    are searched through all day, and a copy that was made stays when sharing ends.
  EOT
  severity       = "critical"
  tags           = ["attack.exfiltration", "attack.t1537"]
  falsepositives = ["An image that is published on purpose."]
  references     = [
    "https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html",
    "https://attack.mitre.org/techniques/T1537/",
  ]

  where = <<-EOT
    (path = '' or path like '/CreateVolumePermissions%' or path like '/LaunchPermissions%')
    and object_after->>'kind' in ('snapshot', 'image')
    and regexp_matches(object_after, '"Group":"all"')
    and not coalesce(regexp_matches(object_before, '"Group":"all"'), false)
  EOT

  message = "{object_after.kind} {object_after.id} ({object_after.region}, {object_after.account}) is shared with everybody"
}
