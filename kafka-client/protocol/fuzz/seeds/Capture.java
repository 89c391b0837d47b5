import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Stands between Kafka clients and a broker and prints the frames that pass, without their length:
 * {@code Request|Response <api key> v<version> <hex>}. Of each message and version it prints a few,
 * no two of the same length. Arguments: the port to listen on, and the broker's.
 */
public class Capture {
    private static final int EACH = 8;
    private static final int LENGTH_MAX = 4096;
    private static final Map<String, Set<Integer>> SEEN = new HashMap<>();
    private static final PrintStream OUT = System.out;

    private record Call(short key, short version) {}

    public static void main(String[] args) throws IOException {
        int brokerPort = Integer.parseInt(args[1]);
        InetAddress local = InetAddress.getByName("127.0.0.1");
        try (ServerSocket listener = new ServerSocket(Integer.parseInt(args[0]), 50, local)) {
            while (true) {
                Socket client = listener.accept();
                Socket broker = new Socket(local, brokerPort);
                Map<Integer, Call> calls = new ConcurrentHashMap<>();
                forward(client, broker, frame -> request(frame, calls));
                forward(broker, client, frame -> response(frame, calls));
            }
        }
    }

    private interface Witness {
        void see(byte[] frame);
    }

    private static void forward(Socket from, Socket to, Witness witness) {
        Thread thread = new Thread(() -> {
            try (from; to) {
                DataInputStream in = new DataInputStream(from.getInputStream());
                DataOutputStream out = new DataOutputStream(to.getOutputStream());
                while (true) {
                    byte[] frame = new byte[in.readInt()];
                    in.readFully(frame);
                    witness.see(frame);
                    out.writeInt(frame.length);
                    out.write(frame);
                    out.flush();
                }
            } catch (IOException end) {
                // One side has closed; the other is closed with it.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private static void request(byte[] frame, Map<Integer, Call> calls) {
        ByteBuffer header = ByteBuffer.wrap(frame);
        Call call = new Call(header.getShort(), header.getShort());
        calls.put(header.getInt(), call);
        print("Request", call, frame);
    }

    private static void response(byte[] frame, Map<Integer, Call> calls) {
        Call call = calls.remove(ByteBuffer.wrap(frame).getInt());
        if (call != null) {
            print("Response", call, frame);
        }
    }

    private static synchronized void print(String kind, Call call, byte[] frame) {
        String message = kind + " " + call.key + " v" + call.version;
        Set<Integer> lengths = SEEN.computeIfAbsent(message, unseen -> new HashSet<>());
        if (frame.length <= LENGTH_MAX && lengths.size() < EACH && lengths.add(frame.length)) {
            OUT.println(message + " " + HexFormat.of().formatHex(frame));
            OUT.flush();
        }
    }
}
