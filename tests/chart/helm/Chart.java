import com.marcnuri.helm.Helm;
import com.marcnuri.helm.LintResult;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Renders and checks a chart, as often as asked, with Helm's own engine.
 *
 * <p>The argument names the chart. Each line of the input is {@code template VALUES OUT VERSION} or {@code notes VALUES OUT VERSION},
 * where VERSION is that of Kubernetes, or {@code lint - OUT -}, with tabs between the words. The answer is a line {@code ok} or
 * {@code failed}; manifests, notes, findings or the error stand in OUT.
 */
public final class Chart {
  private Chart() {}

  public static void main(String[] arguments) throws IOException {
    Helm chart = new Helm(Path.of(arguments[0]));
    BufferedReader input = new BufferedReader(new InputStreamReader(System.in));
    for (String line = input.readLine(); line != null; line = input.readLine()) {
      String[] words = line.split("\t");
      boolean good;
      String text;
      try {
        if (words[0].equals("lint")) {
          LintResult found = chart.lint().strict().call();
          good = !found.isFailed();
          text = String.join("\n", found.getMessages());
        } else if (words[0].equals("notes")) {
          String output = chart.install().clientOnly().dryRun().withName("pickleball").withNamespace("pickleball-system")
              .withKubeVersion(words[3]).withValuesFile(Path.of(words[1])).call().getOutput();
          text = output.substring(output.indexOf("NOTES:"));
          good = true;
        } else {
          text = chart.template().withName("pickleball").withNamespace("pickleball-system")
              .withKubeVersion(words[3]).withValuesFile(Path.of(words[1])).call();
          good = true;
        }
      } catch (RuntimeException problem) {
        good = false;
        text = String.valueOf(problem.getMessage());
      }
      Files.writeString(Path.of(words[2]), text);
      System.out.println(good ? "ok" : "failed");
    }
  }
}
