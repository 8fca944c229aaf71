package retail.lake;

import java.io.ByteArrayOutputStream;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.apache.spark.sql.api.java.UDF1;

/** Unpacks zlib; null for bytes that are no zlib, or that unpack to more than the largest record. */
public class InflateZlib implements UDF1 {
    private static final int LARGEST = 67108864;

    public Object call(Object packed) {
        if (packed == null) {
            return null;
        }
        Inflater inflater = new Inflater();
        try {
            inflater.setInput((byte[]) packed);
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            byte[] buffer = new byte[8192];
            while (!inflater.finished()) {
                int count = inflater.inflate(buffer);
                boolean starved = count == 0 && !inflater.finished() && (inflater.needsInput() || inflater.needsDictionary());
                if (starved || out.size() + count > LARGEST) {
                    return null;
                }
                out.write(buffer, 0, count);
            }
            return out.toByteArray();
        } catch (DataFormatException notZlib) {
            return null;
        } finally {
            inflater.end();
        }
    }
}
