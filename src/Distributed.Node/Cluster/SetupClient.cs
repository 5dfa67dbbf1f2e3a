using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text.Json;
using Distributed.Fabric.Http;

namespace Distributed.Node.Cluster;

/// <summary>Fetches what a node needs from the learner's node.</summary>
internal sealed class SetupClient(Uri learner, HttpSecurity security, Action<string> notice)
{
    private const int LongestDescription = 4 * 1024 * 1024;
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(2);

    /// <summary>The set-up, its files lying in <paramref name="folder"/>. Asks again until the learner answers or <paramref name="giveUpAfter"/> is over.</summary>
    /// <exception cref="RefusedException">The learner does not answer, does not know this node's secret, or sends something else.</exception>
    public async Task<NodeSetup> FetchAsync(string folder, TimeSpan giveUpAfter, CancellationToken cancel)
    {
        using var client = new HttpClient(security.CreateHandler()) { Timeout = Timeout.InfiniteTimeSpan };
        var began = TimeProvider.System.GetTimestamp();
        var pause = TimeSpan.FromMilliseconds(50);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await Fetch(client, folder, cancel).ConfigureAwait(false);
            }
            catch (Exception error) when (error is HttpRequestException or IOException or SocketException or OperationCanceledException && !cancel.IsCancellationRequested)
            {
                var why = error is OperationCanceledException ? $"nothing within {RequestLimit.TotalSeconds:0} s" : error.GetBaseException().Message;
                if (TimeProvider.System.GetElapsedTime(began) > giveUpAfter) throw new RefusedException($"{learner}: the learner's node does not answer ({why}); check --join, and that it runs");
                if (attempt == 20) notice($"waiting for the learner's node at {learner} ({why})");
                await Task.Delay(pause, cancel).ConfigureAwait(false);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }

    private async Task<NodeSetup> Fetch(HttpClient client, string folder, CancellationToken cancel)
    {
        NodeSetup? setup;
        using (var response = await Get(client, SetupFiles.Path, cancel).ConfigureAwait(false))
        {
            if (response.Content.Headers.ContentLength > LongestDescription) throw new RefusedException($"{learner}: sends no set-up of a node; check --join");
            try
            {
                setup = JsonSerializer.Deserialize<NodeSetup>(await response.Content.ReadAsByteArrayAsync(cancel).ConfigureAwait(false), SetupFiles.Json);
            }
            catch (JsonException error)
            {
                throw new RefusedException($"{learner}: sends no set-up of a node ({error.Message}); check --join", error);
            }
        }

        if (setup is not { Format: NodeSetup.CurrentFormat, Recipe: not null, Run: not null, Files: not null })
            throw new RefusedException($"{learner}: sends a set-up of another layout; use the same version of the program on every node");
        if (!setup.IsWhole) throw new IOException("the recipe did not arrive as it was sent");
        foreach (var file in setup.Files) await Fetch(client, folder, file, cancel).ConfigureAwait(false);
        return setup;
    }

    private async Task Fetch(HttpClient client, string folder, SetupFile file, CancellationToken cancel)
    {
        if (file.Name != Path.GetFileName(file.Name) || file.Name.StartsWith('.')) throw new RefusedException($"{learner}: names a file '{file.Name}', which is no plain name");
        var path = Path.Combine(folder, file.Name);
        using var response = await Get(client, $"{SetupFiles.Path}/{Uri.EscapeDataString(file.Name)}", cancel).ConfigureAwait(false);
        using (var target = File.Create(path))
        {
            var source = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
            var buffer = new byte[64 * 1024];
            for (int read; (read = await source.ReadAsync(buffer, cancel).ConfigureAwait(false)) > 0;)
            {
                if (target.Length + read > file.Bytes) throw new IOException($"{file.Name} is longer than announced");
                await target.WriteAsync(buffer.AsMemory(0, read), cancel).ConfigureAwait(false);
            }
        }

        using var written = File.OpenRead(path);
        if (written.Length != file.Bytes || Convert.ToHexStringLower(await SHA256.HashDataAsync(written, cancel).ConfigureAwait(false)) != file.Sha256)
            throw new IOException($"{file.Name} did not arrive as it was sent");
    }

    private async Task<HttpResponseMessage> Get(HttpClient client, string path, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(RequestLimit);
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(learner, path));
        request.Headers.TryAddWithoutValidation(ClusterSecret.Header, security.Secret.Sign(request.Method.Method, path, TimeProvider.System.GetUtcNow()));
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.Unauthorized)
            throw new RefusedException($"{learner}: does not believe this node; give both the same {ClusterSecret.EnvironmentVariable}, and set their clocks");
        return response.EnsureSuccessStatusCode();
    }
}
