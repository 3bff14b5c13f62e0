//! The session's default schema, with the lake's tables behind its own.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{SchemaProvider, TableProvider};
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::LogicalPlanBuilder;

use super::filter::RowFilter;

/// Looks for a table in the session first, then in the lake.
#[derive(Debug)]
pub(super) struct LakeSchema {
    own: Arc<dyn SchemaProvider>,
    lake: Arc<dyn SchemaProvider>,
    filter: RowFilter,
}

impl LakeSchema {
    /// `own` is the schema that the session has: if that is a lake's already, it is replaced.
    pub(super) fn new(
        own: Arc<dyn SchemaProvider>,
        lake: Arc<dyn SchemaProvider>,
        filter: RowFilter,
    ) -> Self {
        let own = match own.downcast_ref::<Self>() {
            Some(previous) => previous.own.clone(),
            None => own,
        };
        Self { own, lake, filter }
    }
}

#[async_trait]
impl SchemaProvider for LakeSchema {
    fn table_names(&self) -> Vec<String> {
        let mut names = self.own.table_names();
        names.extend(self.lake.table_names());
        names.sort();
        names.dedup();
        names
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(own) = self.own.table(name).await? {
            return Ok(Some(own));
        }
        let Some(table) = self.lake.table(name).await? else {
            return Ok(None);
        };
        let filter = self.filter.for_table(name, &table.schema()).await;
        let Some(filter) = filter.map_err(|error| DataFusionError::External(error.into()))? else {
            return Ok(Some(table));
        };
        // A view, so that the engine sees the filter next to the query's own and skips files by both.
        let plan =
            LogicalPlanBuilder::scan(name, provider_as_source(table), None)?.filter(filter)?.build()?;
        Ok(Some(Arc::new(ViewTable::new(plan, None))))
    }

    fn register_table(
        &self,
        name: String,
        table: Arc<dyn TableProvider>,
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        self.own.register_table(name, table)
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        self.own.deregister_table(name)
    }

    fn table_exist(&self, name: &str) -> bool {
        self.own.table_exist(name) || self.lake.table_exist(name)
    }
}
