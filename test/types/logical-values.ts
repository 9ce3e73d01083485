/** Types of values with logical types: checked by the compiler alone. */
import {
  type Decimal,
  DecimalTextType,
  type Duration,
  defineService,
  type Infer,
  type InferInput,
  type RequestInput,
  type RequestOutput,
  schema,
  standardLogicalTypes,
  unary,
} from '../../src/index.js';
import { type Equal, expectType } from './equal.js';

interface Standard {
  readonly logicalTypes: 'standard';
}

const Order = schema({
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'micros', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'nanos', type: { type: 'long', logicalType: 'timestamp-nanos' } },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'id', type: { type: 'string', logicalType: 'uuid' } },
    { name: 'every', type: { type: 'fixed', name: 'Every', size: 12, logicalType: 'duration' } },
    { name: 'paid', type: ['null', { type: 'long', logicalType: 'timestamp-millis' }], default: null },
    { name: 'time', type: { type: 'int', logicalType: 'time-millis' } },
    { name: 'count', type: 'long' },
  ],
});

expectType<
  Equal<
    Infer<typeof Order, Standard>,
    {
      day: Date;
      at: Date;
      micros: Date;
      nanos: bigint;
      price: Decimal;
      id: string;
      every: Duration;
      paid: Date | null;
      time: number;
      count: number;
    }
  >
>(true);
expectType<Equal<InferInput<typeof Order, Standard>['price'], Decimal | string>>(true);

// An annotation that is not valid, by the specification, is the underlying type.

const Invalid = schema({
  type: 'record',
  name: 'Invalid',
  fields: [
    { name: 'noPrecision', type: { type: 'bytes', logicalType: 'decimal' } },
    { name: 'ofInt', type: { type: 'int', logicalType: 'timestamp-millis' } },
    { name: 'size', type: { type: 'fixed', name: 'Id', size: 15, logicalType: 'uuid' } },
  ],
});
expectType<Equal<Infer<typeof Invalid, Standard>, { noPrecision: Buffer; ofInt: number; size: Buffer }>>(true);

// A service says it once; a method or a table of one's own may say otherwise.

const Price = schema({ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 });
const Shop = defineService(
  'demo.Shop',
  {
    price: unary({ request: 'string', response: Price }),
    take: unary({ request: Price, response: 'null' }),
    text: unary({
      request: Price,
      response: 'null',
      logicalTypes: { ...standardLogicalTypes, decimal: DecimalTextType },
    }),
  },
  { logicalTypes: 'standard' },
);
expectType<Equal<RequestOutput<typeof Shop.methods.take>, Decimal>>(true);
expectType<Equal<RequestInput<typeof Shop.methods.text>, string>>(true);
