/**
 * The workloads' messages in Protocol Buffers by protobufjs: reflection compiles each type to functions at its first use, which are
 * the same as those that its static generator writes. Without the package `long` an int64 is a number, which is faster.
 */
import { rivalCommonPackage } from '../rival-package.js';

export interface MessageType<Message> {
  encode(message: Message): { finish(): Uint8Array };
  decode(bytes: Uint8Array): Message;
}

interface Protobufjs {
  readonly util: { Long: unknown };
  configure(): void;
  readonly Root: {
    fromJSON(json: object): { lookupType(name: string): MessageType<unknown> };
  };
}

const schema = {
  nested: {
    bench: {
      nested: {
        Canonical: {
          fields: {
            id: { type: 'int64', id: 1 },
            name: { type: 'string', id: 2 },
            tags: { rule: 'repeated', type: 'string', id: 3 },
            score: { type: 'double', id: 4 },
          },
        },
        Block: { fields: { bytes: { type: 'bytes', id: 1 } } },
      },
    },
  },
};

export async function messageType<Message>(name: 'Canonical' | 'Block'): Promise<MessageType<Message>> {
  const protobuf = await rivalCommonPackage<Protobufjs>('protobufjs');
  protobuf.util.Long = null;
  protobuf.configure();
  return protobuf.Root.fromJSON(schema).lookupType(`bench.${name}`) as MessageType<Message>;
}
