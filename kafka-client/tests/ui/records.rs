use kafka_client::record::RawRecord;
use kafka_client::{KafkaRecord, KafkaRecords};

#[derive(KafkaRecord)]
#[kafka(topic = "orders")]
struct OrderPlaced {
    id: u8,
}

#[derive(KafkaRecords)]
#[kafka(topic = "orders")]
enum NoDispatch {
    Placed(OrderPlaced),
}

#[derive(KafkaRecords)]
#[kafka(dispatch = schema)]
enum BySchema {
    Placed(OrderPlaced),
}

#[derive(KafkaRecords)]
#[kafka(dispatch = headr("type"))]
enum Typo {
    Placed(OrderPlaced),
}

#[derive(KafkaRecords)]
#[kafka(dispatch = header)]
enum NoName {
    Placed(OrderPlaced),
}

#[derive(KafkaRecords)]
#[kafka(dispatch = "type")]
enum OnlyName {
    Placed(OrderPlaced),
}

#[derive(KafkaRecords)]
#[kafka(dispatch = tag("a \"type\""))]
enum OddTag {
    #[kafka(rename = "\\")]
    Placed(OrderPlaced),
}

#[derive(KafkaRecords)]
#[kafka(dispatch = header(""))]
enum EmptyHeader {
    Placed(OrderPlaced),
}

#[derive(KafkaRecords)]
#[kafka(dispatch = header("type"), rename_all = "snakecase")]
enum WrongRule {
    Placed(OrderPlaced),
}

#[derive(KafkaRecords)]
#[kafka(dispatch = header("type"))]
enum Shapes {
    Unit,
    Two(OrderPlaced, OrderPlaced),
    Named { id: u8 },
    #[kafka(other)]
    Rest,
}

#[derive(KafkaRecords)]
#[kafka(dispatch = header("type"))]
enum SameName {
    Placed(OrderPlaced),
    #[kafka(rename = "Placed")]
    Created(OrderPlaced),
    #[kafka(rename = "")]
    Empty(OrderPlaced),
}

#[derive(KafkaRecords)]
#[kafka(dispatch = header("type"))]
enum TwoOthers {
    Placed(OrderPlaced),
    #[kafka(other, rename = "rest")]
    A(RawRecord),
    #[kafka(other)]
    B(RawRecord),
}

#[derive(KafkaRecords)]
#[kafka(dispatch = header("type"))]
enum NoTypes {
    #[kafka(other)]
    Unknown(RawRecord),
}

#[derive(KafkaRecords)]
#[kafka(dispatch = header("type"), format = json)]
enum Misplaced {
    #[kafka(tombstone)]
    Deleted(OrderPlaced),
    #[kafka(renam = "x")]
    Placed(#[kafka(key)] OrderPlaced),
}

#[derive(KafkaRecords)]
#[kafka(dispatch = header("type"))]
struct NoEnum {
    placed: OrderPlaced,
}

#[derive(KafkaRecords)]
#[kafka(topic = "payments", dispatch = header("type"))]
enum OtherTopic {
    Placed(OrderPlaced),
}

#[derive(KafkaRecords)]
#[kafka(dispatch = header("type"))]
enum NoRecord {
    Placed(String),
}

fn main() {}
