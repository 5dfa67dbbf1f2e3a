using Distributed.Engine.Torch.Hosting;

namespace Distributed.Engine.Torch.Tests;

/// <summary>How libtorch and TorchSharp's native part are found and loaded.</summary>
public sealed class LoadingTests
{
    private static string Binding { get; } = LibtorchFolder.ProgramFolders.Select(folder => Path.Combine(folder, LibtorchFolder.FileName("LibTorchSharp"))).First(File.Exists);

    [Fact]
    public void A_folder_that_a_person_names_comes_first_and_an_empty_one_has_no_libtorch()
    {
        var folder = Directory.CreateTempSubdirectory("torch-loading-").FullName;
        LibtorchFolder.Find(folder).ShouldBe(folder);
        LibtorchFolder.HasLibtorch(folder).ShouldBeFalse();
        File.WriteAllText(Path.Combine(folder, LibtorchFolder.FileName("torch_cpu")), "");
        LibtorchFolder.HasLibtorch(folder).ShouldBeTrue();
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public void What_is_loaded_comes_from_a_folder_and_what_is_not_has_a_reason_of_one_line()
    {
        if (TorchRuntime.Complaint is not { } complaint)
            LibtorchFolder.HasLibtorch(TorchRuntime.Folder!).ShouldBeTrue();
        else
            complaint.ShouldSatisfyAllConditions(() => complaint.ShouldNotContain("\n"), () => complaint.ShouldContain("docs/gpu.md"));
    }

    [Fact]
    public void For_an_older_standard_library_one_number_of_the_file_changes()
    {
        if (!OperatingSystem.IsLinux())
            return;
        var before = File.ReadAllBytes(Binding);
        var after = before.ToArray();
        OlderStandardLibrary.MakeOptional(after).ShouldBeTrue();
        Enumerable.Range(0, before.Length).Count(i => before[i] != after[i]).ShouldBe(1);
    }

    [Fact]
    public void A_file_that_is_cut_short_or_none_of_the_kind_is_left_alone()
    {
        var whole = File.ReadAllBytes(Binding);
        for (var length = 0; length < whole.Length; length += 1 + (length / 3))
            Untouched(whole[..length]);
        Untouched(new byte[4096]);
        var headers = whole[..64];
        headers.AsSpan(40, 8).Fill(0xFF);
        Untouched(headers);

        static void Untouched(byte[] file)
        {
            var copy = file.ToArray();
            OlderStandardLibrary.MakeOptional(copy).ShouldBeFalse();
            copy.ShouldBe(file);
        }
    }
}
