using Distributed.Node.Checkpoints;
using Distributed.Ports;

namespace Distributed.Node.Tests.Checkpoints;

public sealed class CheckpointFolderTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static Checkpoint Make(long version, byte weight = 7) => new(
        version, 3, new byte[] { weight, 2, 3 }, new OptimizerState(version, new byte[] { 4 }, new byte[] { 5 }), new byte[] { 8, 9 }, "seed: 1\n");

    private CheckpointFolder Open(int keep = 3, RawModelFiles? files = null) => new(folder["checkpoints"], keep, files ?? new());

    private static EngineError? Save(CheckpointFolder store, Checkpoint checkpoint)
    {
        using var done = new ManualResetEventSlim();
        EngineError? error = null;
        store.Save(checkpoint, e =>
        {
            error = e;
            done.Set();
        });
        done.Wait(Patience).ShouldBeTrue();
        return error;
    }

    private string Inside(long version, string name) => Path.Combine(CheckpointDirectory.PathOf(folder["checkpoints"], version), name);

    [Fact]
    public void A_saved_checkpoint_is_loaded_as_it_was()
    {
        using var store = Open();
        Save(store, Make(12)).ShouldBeNull();
        var warnings = new List<string>();
        var loaded = store.LoadNewest(warnings.Add)!;
        warnings.ShouldBeEmpty();
        loaded.Version.ShouldBe(12);
        loaded.Epoch.ShouldBe(3);
        loaded.Weights.ToArray().ShouldBe([7, 2, 3]);
        loaded.Optimizer.Step.ShouldBe(12);
        loaded.Optimizer.SecondMoment.ToArray().ShouldBe([5]);
        loaded.Ledger.ToArray().ShouldBe([8, 9]);
        loaded.Recipe.ShouldBe("seed: 1\n");
        Directory.Exists(folder["checkpoints/step-000012/model"]).ShouldBeTrue();
    }

    [Fact]
    public void An_empty_folder_has_no_checkpoint()
    {
        using var store = Open();
        store.LoadNewest(_ => { }).ShouldBeNull();
    }

    [Fact]
    public void Only_the_newest_are_kept()
    {
        using var store = Open(keep: 2);
        foreach (var version in new[] { 5, 10, 1000000, 1000005 })
        {
            Save(store, Make(version)).ShouldBeNull();
        }
        CheckpointDirectory.List(folder["checkpoints"]).Select(c => c.Version).ShouldBe([1000005, 1000000]);
    }

    [Theory]
    [InlineData("model/model.safetensors")]
    [InlineData("optimizer.safetensors")]
    [InlineData("ledger.msgpack")]
    [InlineData("recipe.yaml")]
    public void A_changed_file_is_named_and_the_checkpoint_before_it_is_loaded(string name)
    {
        using var store = Open();
        Save(store, Make(1));
        Save(store, Make(2));
        var bytes = File.ReadAllBytes(Inside(2, name));
        bytes[0] ^= 1;
        File.WriteAllBytes(Inside(2, name), bytes);
        var warnings = new List<string>();
        store.LoadNewest(warnings.Add)!.Version.ShouldBe(1);
        warnings.ShouldHaveSingleItem().ShouldContain(Path.Combine("step-000002", name.Replace('/', Path.DirectorySeparatorChar)));
        warnings[0].ShouldEndWith("is not what was saved, its SHA-256 differs; this checkpoint is passed over for an older one");
    }

    [Theory]
    [InlineData("model/model.safetensors", "is missing")]
    [InlineData("state.json", "is missing, the checkpoint was never finished")]
    public void A_missing_file_is_named_and_the_checkpoint_before_it_is_loaded(string name, string what)
    {
        using var store = Open();
        Save(store, Make(1));
        Save(store, Make(2));
        File.Delete(Inside(2, name));
        var warnings = new List<string>();
        store.LoadNewest(warnings.Add)!.Version.ShouldBe(1);
        warnings.ShouldHaveSingleItem().ShouldContain(what);
    }

    [Fact]
    public void A_shortened_file_is_told_by_its_length()
    {
        using var store = Open();
        Save(store, Make(1));
        File.WriteAllBytes(Inside(1, "ledger.msgpack"), [8]);
        var warnings = new List<string>();
        store.LoadNewest(warnings.Add).ShouldBeNull();
        warnings.ShouldHaveSingleItem().ShouldContain("has 1 bytes instead of 2");
    }

    [Fact]
    public void A_state_that_is_no_JSON_is_passed_over()
    {
        using var store = Open();
        Save(store, Make(1));
        File.WriteAllText(Inside(1, "state.json"), "{\"format\": 1, \"version\"");
        store.LoadNewest(_ => { }).ShouldBeNull();
    }

    [Fact]
    public void A_checkpoint_that_could_not_be_finished_leaves_the_last_one_whole_and_nothing_else()
    {
        using (var store = Open())
        {
            Save(store, Make(1));
        }
        using var failing = Open(files: new RawModelFiles { BeforeOptimizer = () => throw new IOException("No space left on device", 28) });
        Save(failing, Make(2))!.Message.ShouldEndWith("step-000002: the disk is full; free some space, then go on with --resume");
        failing.LoadNewest(_ => { })!.Version.ShouldBe(1);
        Directory.GetFileSystemEntries(folder["checkpoints"]).ShouldHaveSingleItem();
    }

    [Fact]
    public void What_an_interrupted_writer_left_behind_is_removed_and_never_loaded()
    {
        using (var store = Open())
        {
            Save(store, Make(1));
        }
        Directory.CreateDirectory(folder["checkpoints/.writing-000002/model"]);
        CheckpointFolder.LoadNewest(folder["checkpoints"], new RawModelFiles(), _ => { })!.Version.ShouldBe(1);
        using var again = Open();
        Directory.GetFileSystemEntries(folder["checkpoints"]).ShouldHaveSingleItem();
    }

    [Fact]
    public void A_version_saved_again_replaces_the_old_one()
    {
        using var store = Open();
        Save(store, Make(1, weight: 1));
        Save(store, Make(1, weight: 2)).ShouldBeNull();
        store.LoadNewest(_ => { })!.Weights.Span[0].ShouldBe((byte)2);
        Directory.GetFileSystemEntries(folder["checkpoints"]).ShouldHaveSingleItem();
    }

    [Fact]
    public void A_folder_that_is_a_file_is_refused_in_one_line()
    {
        File.WriteAllText(folder["checkpoints"], "");
        Should.Throw<RefusedException>(() => Open()).Message.ShouldStartWith(folder["checkpoints"] + ": cannot be written");
    }

    [Fact]
    public void A_full_queue_refuses_at_once_and_what_was_accepted_is_still_written()
    {
        using var gate = new ManualResetEventSlim();
        using var begun = new ManualResetEventSlim();
        var errors = new List<EngineError?>();
        var store = Open(files: new RawModelFiles
        {
            BeforeModel = () =>
            {
                begun.Set();
                gate.Wait(Patience);
            },
        });
        void Reply(EngineError? error)
        {
            lock (errors)
            {
                errors.Add(error);
            }
        }
        store.Save(Make(1), Reply);
        begun.Wait(Patience).ShouldBeTrue(); // the writer holds the first, the queue is empty
        for (var version = 2; version <= CheckpointFolder.QueueLength + 2; version++)
        {
            store.Save(Make(version), Reply);
        }
        errors.ShouldHaveSingleItem()!.Message.ShouldContain("the checkpoint of step 4 is left out");
        gate.Set();
        store.Dispose();
        errors.Count.ShouldBe(CheckpointFolder.QueueLength + 2);
        CheckpointDirectory.List(folder["checkpoints"]).Select(c => c.Version).ShouldBe([3, 2, 1]);
    }
}
