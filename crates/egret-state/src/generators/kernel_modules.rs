//! `kernel_modules`: the modules that the kernel has loaded.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::json;

use crate::documents::Documents;
use crate::generator::{GenerateError, Generator};
use crate::host;
use crate::registry::GeneratorType;

/// The generator type `kernel_modules`.
pub const GENERATOR_TYPE: GeneratorType = GeneratorType {
    name: "kernel_modules",
    description: "The modules that the Linux kernel has loaded.",
    channel: "host.kernel_modules",
    key: &["name"],
    ignore: &[],
    ordered: &[],
    attributes: &[&[host::ROOT]],
    example: r#"generator "kernel_modules" "modules" {
  every = "5m"
}
"#,
    documents: "One document a module: `name`, `size` in bytes, `used_by` (modules that need it), `state` (`Live`, `Loading`, \
        `Unloading`), and `taints` where it taints the kernel: `O` is from outside the kernel's tree, `E` unsigned, `P` \
        proprietary.\n\n```json\n{\"name\": \"nf_tables\", \"size\": 311296, \"state\": \"Live\", \"taints\": null, \
        \"used_by\": [\"nft_compat\"]}\n```\n\nHow many users a module has changes all the time and is not in it.",
    permissions: "To read `/proc/modules`, as everybody may.",
    decode: |reader, context| {
        let root = host::decode_root(reader, context);
        Some(Arc::new(KernelModules { root: root? }))
    },
};

#[derive(Debug)]
struct KernelModules {
    root: PathBuf,
}

#[async_trait]
impl Generator for KernelModules {
    async fn generate(&self, documents: &mut Documents) -> Result<(), GenerateError> {
        let text = host::read_text(&self.root, "proc/modules")?;
        for line in text.lines() {
            let fields: Vec<&str> = line.split_ascii_whitespace().collect();
            let [name, size, _users, used_by, state, ..] = fields[..] else {
                documents.note(format!("/proc/modules has a line of another form: {line}"));
                continue;
            };
            let used_by: Vec<&str> =
                used_by.split(',').filter(|user| !matches!(*user, "" | "-" | "[permanent]")).collect();
            let taints = fields.get(6).map(|taints| taints.trim_matches(['(', ')']));
            documents.push(json!({
                "name": name,
                "size": size.parse::<u64>().ok(),
                "used_by": used_by,
                "state": state,
                "taints": taints,
            }))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::{documents_of, root};

    #[tokio::test]
    async fn modules_are_read() {
        let root = root(&[(
            "proc/modules",
            "nf_tables 311296 14 nft_compat,nft_ct, Live 0x0000000000000000\nevil 16384 0 - Live 0x0000000000000000 (OE)\nodd\n",
        )]);
        let block = format!("generator \"kernel_modules\" \"m\" {{ root = \"{}\" }}", root.path().display());
        let (documents, notes) = documents_of(&block).await.unwrap();
        assert_eq!(
            documents,
            [
                r#"evil {"name":"evil","size":16384,"state":"Live","taints":"OE","used_by":[]}"#,
                r#"nf_tables {"name":"nf_tables","size":311296,"state":"Live","taints":null,"used_by":["nft_compat","nft_ct"]}"#,
            ]
        );
        assert_eq!(notes, ["/proc/modules has a line of another form: odd"]);
    }

    #[tokio::test]
    async fn without_the_file_there_is_no_state() {
        let root = root(&[]);
        let block = format!("generator \"kernel_modules\" \"m\" {{ root = \"{}\" }}", root.path().display());
        let error = documents_of(&block).await.unwrap_err();
        assert!(error.to_string().contains("cannot read /proc/modules"), "{error}");
    }
}
