//! stub
use serde::{Serialize,Deserialize};
use crate::types::*; use crate::error::Result; use crate::signals::{Signal,MarketRegime};
#[derive(Debug,Clone,Copy,PartialEq,Default)] pub struct FeatureRow(pub [f64;1]);
impl FeatureRow { pub fn signal(&self)->Option<Signal>{None} pub fn market_regime(&self)->Option<MarketRegime>{None} }
#[derive(Debug,Clone,Copy,PartialEq,Default)] pub struct FeatureConfig{pub market:Market,pub timeframe:Timeframe}
#[derive(Debug,Clone,Serialize,Deserialize)] pub struct FeatureState; impl FeatureState{pub fn new(_:&FeatureConfig)->Result<Self>{Ok(Self)} pub fn push(&mut self,_:&Bar){} pub fn row(&mut self,_:&mut FeatureRow){}}
