// What a developer writes who has the Java client of openapi-generator.
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.LinkedHashMap;
import java.util.Map;
import org.openapitools.client.ApiClient;
import org.openapitools.client.ApiException;
import org.openapitools.client.api.AccountApi;
import org.openapitools.client.api.JobsApi;
import org.openapitools.client.api.ModelsApi;
import org.openapitools.client.model.GatewayMessage;
import org.openapitools.client.model.Job;
import org.openapitools.client.model.Kind;
import org.openapitools.client.model.Model;
import org.openapitools.client.model.Problem;
import org.openapitools.client.model.SongRequest;
import org.openapitools.client.model.Track;

public final class Order {
  private static final ObjectMapper JSON = ApiClient.createDefaultObjectMapper();

  private static ApiClient client(String url, String key) {
    ApiClient client = new ApiClient();
    client.updateBaseUri(url);
    return client.setRequestInterceptor(request -> request.header("Authorization", "Bearer " + key));
  }

  public static void main(String[] given) throws Exception {
    ApiClient client = client(given[0], given[1]);
    JobsApi jobs = new JobsApi(client);
    Model model = new ModelsApi(client).listModels(Kind.SONG, "price").getData().stream()
        .filter(each -> each.getId().equals("minimax/music-2.5")).findFirst().orElseThrow();
    Map<String, Object> said = new LinkedHashMap<>();
    said.put("price", jobs.quoteJob(model.getExample()).getPriceCredits());
    Job job = jobs.submitJob(model.getExample().title("Rain"), "java", null);
    for (int tries = 0; job.getFinishedAt() == null && tries < 300; tries += 1) {
      Thread.sleep(200);
      job = jobs.getJob(job.getId(), null, null);
    }
    Track track = job.getTracks().get(0);
    said.put("status", job.getStatus().getValue());
    said.put("spent", job.getSpentCredits());
    said.put("bytes", track.getBytes());
    said.put("media_type", track.getContentType().getValue());
    try {
      jobs.submitJob(new SongRequest().model("minimax/music-9").kind(Kind.SPEECH), null, null);
    } catch (ApiException refused) {
      said.put("problem", JSON.readValue(refused.getResponseBody(), Problem.class).getType());
    }
    try {
      new AccountApi(client(given[0], "fk_guessed")).getAccount();
    } catch (ApiException unknown) {
      said.put("gateway", JSON.readValue(unknown.getResponseBody(), GatewayMessage.class).getMessage());
    }
    System.out.println(JSON.writeValueAsString(said));
  }
}
