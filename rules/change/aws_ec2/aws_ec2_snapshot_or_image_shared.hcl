detection "aws_ec2_snapshot_or_image_shared" {
  table       = "change"
  channel     = "aws.ec2.**"
  title       = "Snapshot or image shared with another account"
  description = <<-EOT
    Another account can copy the disk and read all that is on it. It is the quiet way to take data out of AWS:
    nothing crosses the network, and the copy is in an account where nobody of yours looks.
  EOT
  severity       = "medium"
  tags           = ["attack.exfiltration", "attack.t1537"]
  falsepositives = ["Backups, or images for other accounts of the organisation."]
  references     = [
    "https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html",
    "https://attack.mitre.org/techniques/T1537/",
  ]

  where = <<-EOT
    operation = 'add'
    and (path = '' or path like '/CreateVolumePermissions/%' or path like '/LaunchPermissions/%')
    and object_after->>'kind' in ('snapshot', 'image')
    and regexp_matches(after, '"(UserId|OrganizationArn|OrganizationalUnitArn)":"')
  EOT

  message = "{object_after.kind} {object_after.id} ({object_after.region}, {object_after.account}) is shared with other accounts"
}
