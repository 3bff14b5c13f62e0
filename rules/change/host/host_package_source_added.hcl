detection "host_package_source_added" {
  table       = "change"
  channel     = "host.file_integrity.**"
  title       = "Packages come from another place"
  description = <<-EOT
    The host trusts another source of packages, or another key, from now on. Whoever has it decides what the
    next upgrade installs, as root, on every host that has the same file.
  EOT
  severity       = "high"
  tags           = ["attack.initial_access", "attack.persistence", "attack.t1195.002", "attack.t1072"]
  falsepositives = ["Software that is installed from its maker's repository."]
  references     = [
    "https://attack.mitre.org/techniques/T1195/002/",
    "https://manpages.debian.org/testing/apt/sources.list.5.en.html",
  ]

  where = <<-EOT
    operation in ('add', 'change')
    and path in ('', '/sha256', '/target')
    and object_after->>'kind' in ('file', 'link')
    and regexp_matches(key, '^/etc/(apt/(sources\.list|sources\.list\.d/.*|trusted\.gpg|trusted\.gpg\.d/.*|keyrings/.*)|yum\.repos\.d/.*|pki/rpm-gpg/.*|apk/(repositories|keys/.*)|zypp/repos\.d/.*)$')
  EOT

  message = "packages may come from elsewhere: {key} was written ({operation} {path_text})"
}
